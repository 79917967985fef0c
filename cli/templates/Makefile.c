# Builds bin/solver; `melissa run study.yaml` finds it there.
MELISSA_INCLUDE ?= @INCLUDE@
MELISSA_LIBRARY ?= @LIBRARY@
CFLAGS ?= -O2

bin/solver: solver.c
	mkdir -p bin
	$(CC) $(CFLAGS) -std=c99 -I$(MELISSA_INCLUDE) -o $@ solver.c -L$(MELISSA_LIBRARY) -Wl,-rpath,$(MELISSA_LIBRARY) -lmelissa

clean:
	rm -rf bin
