"""Training while things break: the scenarios of ``scripts/chaos``.

runs -> drivers, spark_drivers, disks, cluster -> yarn, hosts -> __main__ (the table)
"""
