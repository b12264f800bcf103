"""Target policy: rules of the operator's that see what a write is about.

Ordinary files of oslo.policy, with checks of the guard's own. :mod:`files` reads them, :mod:`judge`
asks them, :mod:`watch` reads them again when they change, :mod:`checks` and :mod:`state_checks` are
what a rule can ask, :mod:`before` is what was there before the write.
"""
