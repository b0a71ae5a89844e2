"""What clerk costs, measured on whole processes.

Each benchmark makes real repositories in a memory-backed folder, runs the real command line
several times and reports medians; wherever git does the work, a bare shell loop doing the same git
work with the same parallelism runs in turns with it, so that both see the same machine. Nothing
here judges: the figures stand beside what is to be reached. Never imported by the product.
"""
