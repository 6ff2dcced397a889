# Verbs for daily work; each is one command that can be typed as well.
JDK25 ?= $(shell for d in "$$OPENLORA_JAVA_HOME" "$$JAVA_HOME" /usr/lib/jvm/*; do \
	grep -qs '^JAVA_VERSION="2[5-9]' "$$d/release" && echo "$$d" && break; done)

.PHONY: build test format check bench run

build: # compiles and packages, without tests
	mvn -B -ntp -Dmaven.test.skip=true package

test: # everything that mvn verify checks
	mvn -B -ntp verify

format: # formats the Java sources
	JAVA_HOME="$(JDK25)" mvn -B -ntp spotless:apply

check: # tests and formatting, as the continuous integration runs them
	.ci/run

bench: # kernels and serving against the machine's limits; arguments in BENCH_ARGS, such as kernels or --data DIR
	./openlora bench $(BENCH_ARGS)

run: # serves the bundled model on port 8080
	./openlora serve
