"""Training while things break: the scenarios of ``scripts/chaos``.

runs -> drivers, spark_drivers, disks, cluster, yarn -> __main__ (the table)
"""
