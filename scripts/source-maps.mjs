// Has the stacks of failed tests name the lines of their sources. Not by a flag of Node: what a test starts would have it too.
process.setSourceMapsEnabled(true)
