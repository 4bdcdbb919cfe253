# The commands of this project; `make` alone lists them. Users need none: they run `java GatewayServer.java`.

PROGRAMS := $(wildcard GatewayServer.java RegisterBackend.java Install.java)
STRICT   := --release 21 -Xlint:all -Werror

# What a small machine should give a gateway; README says why.
SMALL := -XX:+UseSerialGC -Xmx160m -Xmn28m -XX:SurvivorRatio=5 -XX:TrimNativeHeapInterval=5000

# Some of the tests only: make test ONLY=RoutingTest, or ONLY='RoutingTest Registrar*Test'
ONLY  := *
TESTS  = $(wildcard $(patsubst %,test/%.java,$(ONLY)))

# JUnit, the one thing from outside, is kept in a cache outside this folder and checked at each use.
JUNIT_VERSION := 1.13.4
JUNIT_SHA256  := 3fdfc37e29744a9a67dd5365e81467e26fbde0b7aa204e6f8bbe79eeaa7ae892
JUNIT_NAME    := junit-platform-console-standalone
JUNIT_CACHE   := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/backend-gateway
JUNIT         := $(JUNIT_CACHE)/$(JUNIT_NAME)-$(JUNIT_VERSION).jar

# Two classes at a time, for most of them wait most of the time; more would disturb what they measure.
PARALLEL := enabled=true mode.classes.default=concurrent config.strategy=fixed config.fixed.parallelism=2

# The home of a JDK 21 or newer: JAVA_HOME's, else the one on PATH, else the newest in /usr/lib/jvm. A
# JAVA_HOME that will not do is passed over, but not in silence. javac is asked: no .java runs without it.
FIND_JDK = version() { "$$1/bin/javac" -version 2>&1 | sed -n 's/^javac \([0-9][0-9]*\).*/\1/p'; }; \
	serves() { [ "$$(version "$$1")" -ge 21 ] 2>/dev/null; }; \
	named='$(JAVA_HOME)'; \
	if [ -n "$$named" ] && serves "$$named"; then echo "$$named"; exit; fi; \
	javac=$$(command -v javac) && found=$$(dirname "$$(dirname "$$(readlink -f "$$javac")")"); \
	if [ -z "$$found" ] || ! serves "$$found"; then \
	  found=$$(for home in /usr/lib/jvm/*; do \
	    if [ ! -L "$$home" ] && serves "$$home"; then echo "$$(version "$$home") $$home"; fi; \
	  done | sort -n | tail -n 1 | cut -d ' ' -f 2-); \
	fi; \
	if [ -n "$$named" ] && [ -n "$$found" ]; then \
	  echo "JAVA_HOME ($$named) is not a JDK 21 or newer: using $$found instead." >&2; \
	fi; \
	echo "$$found"
NO_JDK = There is no JDK 21 or newer in JAVA_HOME, on PATH or in /usr/lib/jvm. Install one (on Debian 13: \
	apt-get install openjdk-21-jdk-headless) or point JAVA_HOME at it: make JAVA_HOME=/path/to/jdk

# Looked for once, and only by the targets that use it.
JDK   = $(eval JDK := $(shell $(FIND_JDK)))$(or $(JDK),$(error $(NO_JDK)))
JAVA  = "$(JDK)/bin/java"
JAVAC = "$(JDK)/bin/javac"

.PHONY: help demo run check test fuzz bench storm alone sync clean junit jdk

help: ## List these commands
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 16

demo: ## Try it: a gateway, a registry and two backends in one process
	@$(JAVA) GatewayServer.java --demo

run: ## Run the gateway with its embedded registry
	@$(JAVA) $(SMALL) GatewayServer.java

check: alone test ## Everything that must hold before a commit

# Each run compiles into a folder of its own, so that runs side by side do not disturb each other.
test: junit ## Run the tests; ONLY=RoutingTest runs one class
	@$(if $(TESTS),,echo "There is no test/$(ONLY).java." >&2; exit 1;) \
	mkdir -p build && build=$$(mktemp -d build/test.XXXXXX) && trap 'rm -rf "$$build"' EXIT && \
	$(if $(PROGRAMS),$(JAVAC) $(STRICT) -d "$$build" $(PROGRAMS) &&) \
	$(JAVAC) --release 21 -d "$$build" --class-path "$$build:$(JUNIT)" --source-path test:test/fuzz test/Suite.java $(TESTS) && \
	{ $(JAVA) -Dstdout.encoding=UTF-8 -Dstderr.encoding=UTF-8 --class-path "$$build:$(JUNIT)" Suite execute \
	    $(patsubst test/%.java,--select-class=%,$(filter %Test.java,$(TESTS))) \
	    --include-engine=junit-jupiter --disable-banner --disable-ansi-colors --details=tree \
	    $(addprefix --config=junit.jupiter.execution.parallel.,$(PARALLEL)) \
	    --fail-if-no-tests; \
	  echo $$? > "$$build/exit"; } | awk "$$CLOSING_LINE" && exit "$$(cat "$$build/exit")"

fuzz: ## Send spoilt requests for SECONDS=600 (SEED=1 repeats a run)
	@mkdir -p build && build=$$(mktemp -d build/fuzz.XXXXXX) && trap 'rm -rf "$$build"' EXIT && \
	$(JAVAC) --release 21 -proc:none -d "$$build" --source-path .:test:test/fuzz test/fuzz/Fuzz.java && \
	$(JAVA) --class-path "$$build" Fuzz $(or $(SECONDS),600) $(SEED)

bench: ## Measure against peers: ONLY='small post', SECONDS=10 a round, ROUNDS=5, WARMUP=20
	@mkdir -p build && build=$$(mktemp -d build/bench.XXXXXX) && trap 'rm -rf "$$build"' EXIT && \
	$(JAVAC) --release 21 -proc:none -d "$$build" --source-path .:test/bench test/bench/*.java && \
	$(JAVA) -Dsmall='$(SMALL)' --class-path "$$PWD/$$build" Bench seconds=$(or $(SECONDS),10) rounds=$(or $(ROUNDS),5) \
	  warmup=$(or $(WARMUP),20) only='$(ONLY)' flags='$(FLAGS)' </dev/null

storm: ## Kill the registry amid writes, ROUNDS=20 times; nothing that it answered may be lost
	@mkdir -p build && build=$$(mktemp -d build/storm.XXXXXX) && trap 'rm -rf "$$build"' EXIT && \
	$(JAVAC) --release 21 -proc:none -d "$$build" --source-path .:test/bench test/bench/RegistryStorm.java && \
	$(JAVA) --class-path "$$PWD/$$build" RegistryStorm $(or $(ROUNDS),20) </dev/null

# JUnit's table of counts as the one line that people and CI read. Found but not run counts as skipped.
define CLOSING_LINE
/^\[ *[0-9]+ (containers|tests) [a-z]+ *\]$$/ { count[$$3 " " $$4] = $$2; next }
{ print; fflush() }
END {
    if (!("tests found" in count)) { print "JUnit ended before it could count its tests."; exit 1 }
    failed = count["tests failed"] + count["containers failed"]
    skipped = count["tests found"] - count["tests successful"] - count["tests failed"]
    printf "%d passed, %d failed, %d skipped\n", count["tests successful"], failed, skipped
}
endef
export CLOSING_LINE

# From JDK 22 on, `java File.java` finds a neighbour's classes: that works here and breaks on a server.
alone: ## Compile each program by itself in an empty folder
	@for program in $(PROGRAMS); do \
	  folder=$$(mktemp -d) && cp "$$program" "$$folder" && \
	  (cd "$$folder" && $(JAVAC) $(STRICT) -d classes "$$program"); compiled=$$?; \
	  rm -rf "$$folder"; \
	  [ $$compiled -eq 0 ] || { echo "$$program does not compile alone." >&2; exit 1; }; \
	  echo "$$program compiles alone."; \
	done

sync: junit ## Copy the shared sections from GatewayServer.java into the other programs
	@$(JAVA) --class-path "$(JUNIT)" test/SharedSectionsTest.java

clean: ## Remove what was built
	@rm -rf build

junit:
	@sum() { { sha256sum "$$1" 2>/dev/null || shasum -a 256 "$$1"; } | cut -d ' ' -f 1; }; \
	if [ ! -f "$(JUNIT)" ]; then \
	  command -v mvn >/dev/null || { echo "Maven is missing, and JUnit is fetched with it: install it" \
	    "(apt-get install maven), or put the jar at $(JUNIT)." >&2; exit 1; }; \
	  mkdir -p "$(JUNIT_CACHE)" && fetched=$$(mktemp -d "$(JUNIT_CACHE)/fetch.XXXXXX") || exit 1; \
	  trap 'rm -rf "$$fetched"' EXIT; \
	  JAVA_HOME="$(JDK)" mvn -q dependency:copy -DoutputDirectory="$$fetched" \
	    -Dartifact=org.junit.platform:$(JUNIT_NAME):$(JUNIT_VERSION) </dev/null >"$$fetched/log" 2>&1 || { \
	    cat "$$fetched/log" >&2; echo "Maven could not fetch JUnit: see above, then run this again." >&2; \
	    exit 1; }; \
	  mv -f "$$fetched/$(JUNIT_NAME)-$(JUNIT_VERSION).jar" "$(JUNIT)" || exit 1; \
	fi; \
	[ "$$(sum "$(JUNIT)")" = $(JUNIT_SHA256) ] || { echo "$(JUNIT) is not the JUnit that this Makefile names" \
	  "(its SHA-256 differs): delete the file and run this again." >&2; exit 1; }

jdk:
	@echo "$(JDK)"
