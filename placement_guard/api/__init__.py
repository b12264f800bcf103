"""What Placement's API is, as data: operations, routes, documents, schemas, policies, conflicts.

Facts of openstack-placement 16 (microversions 1.0 to 1.39), each compared by a test with the
installed Placement. Nothing here imports Placement.
"""
