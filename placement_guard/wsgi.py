"""The entry point for WSGI servers, in place of ``placement.wsgi.api``.

``placement_guard.wsgi:application`` is a guarded Placement, configured as Placement is: from
``/etc/placement``, or the directory in ``OS_PLACEMENT_CONFIG_DIR``. Importing this module starts
it, and the listener of metrics and health with it. What is there by then stays: the garbage
collector does not look through it any more, whatever a request makes it do.
"""

import gc

from placement.wsgi import init_application

from placement_guard.observers import uwsgi
from placement_guard.placement import conf_of, guard_of, guarded, health_of, listen_for

application = init_application()
guarded(application, conf_of(application))


def _listen() -> None:
    listen_for(guard_of(application), health_of(application))


uwsgi.say_if_threads_are_off()
uwsgi.in_each_worker(_listen)
gc.collect()
gc.freeze()
