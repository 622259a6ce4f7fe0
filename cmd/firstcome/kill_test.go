package main

// childEnv makes this test binary behave like the real program.
const childEnv = "TEST_AS_PROGRAM"
