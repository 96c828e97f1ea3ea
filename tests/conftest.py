import signal

# A shell without job control lets what it starts in the background ignore Ctrl-C, and so all that the tests start: the
# tests of Ctrl-C would wait for ever. A handler of this process is the default again in the processes that it starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
