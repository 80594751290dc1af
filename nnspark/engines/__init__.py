"""Where the blocks lie and how a function of them is summed: in this process, or on Spark."""
