"""HDFS and YARN on this machine's loopback, by Apache Hadoop's released daemons: ``scripts/hadoop``.

jars (what is run) -> settings (how) -> running (start, ask, stop) -> __main__ (the commands),
together (all in one JVM, for a test)
"""
