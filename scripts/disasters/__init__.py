"""Training while things break: the scenarios of ``scripts/chaos``.

runs -> drivers, spark_drivers, disks, cluster -> __main__ (the table)
"""
