package org.openlora.architecture;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.simpleName;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaCodeUnit;
import com.tngtech.archunit.core.domain.JavaMethod;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.domain.JavaPackage;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.time.Clock;
import java.time.Instant;
import java.util.concurrent.locks.Lock;
import org.jspecify.annotations.NullMarked;

/// The architecture's structural invariants (ARCHITECTURE.md), over every module's own classes.
@AnalyzeClasses(packages = "org.openlora", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
    private static final String API = "org.openlora.api..";
    private static final String[] STEP = {
        "org.openlora.engine",
        "org.openlora.engine.scheduler..",
        "org.openlora.engine.model..",
        "org.openlora.engine.kv..",
        "org.openlora.engine.sampling.."
    };
    private static final String[] NETWORK = {"io.grpc..", "io.netty..", "com.linecorp.armeria.."};

    @ArchTest
    static final ArchRule packages_areFreeOfCycles =
            slices().matching("org.openlora.(**)").should().beFreeOfCycles();

    @ArchTest
    static final ArchRule kernels_useNoOtherModule = noClasses()
            .that()
            .resideInAPackage("org.openlora.kernels..")
            .should()
            .dependOnClassesThat(openLora("org.openlora.kernels.."));

    @ArchTest
    static final ArchRule adapters_useKernelsOnly = noClasses()
            .that()
            .resideInAPackage("org.openlora.adapters..")
            .should()
            .dependOnClassesThat(openLora("org.openlora.adapters..", "org.openlora.kernels.."));

    @ArchTest
    static final ArchRule meter_usesNoOtherModule = noClasses()
            .that()
            .resideInAPackage("org.openlora.meter..")
            .should()
            .dependOnClassesThat(openLora("org.openlora.meter.."));

    @ArchTest
    static final ArchRule api_usesNoOtherModule =
            noClasses().that().resideInAPackage(API).should().dependOnClassesThat(openLora(API));

    @ArchTest
    static final ArchRule engine_knowsNothingAboveIt = noClasses()
            .that()
            .resideInAPackage("org.openlora.engine..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(API, "org.openlora.server..", "org.openlora.benchmarks..");

    @ArchTest
    static final ArchRule foreignFunctions_areLinkedInTheKernelsAndTheTorchSeamOnly = noClasses()
            .that()
            .resideOutsideOfPackages("org.openlora.kernels..", "org.openlora.engine.tensor..")
            .should()
            .dependOnClassesThat(
                    simpleName("Linker").or(simpleName("SymbolLookup")).and(resideInAnyPackage("java.lang.foreign..")));

    @ArchTest
    static final ArchRule kernels_linkWhatJavaLacksInThreeClasses = noClasses()
            .that()
            .resideInAPackage("org.openlora.kernels..")
            .and()
            .haveNameNotMatching(".*\\.(MachineCode|LazyMemory|BackgroundThread)(\\$.*)?")
            .should()
            .dependOnClassesThat(
                    simpleName("Linker").or(simpleName("SymbolLookup")).and(resideInAnyPackage("java.lang.foreign..")));

    @ArchTest
    static final ArchRule libtorch_isKnownByOneClass = classes()
            .that()
            .resideInAPackage("org.openlora.engine.tensor..")
            .and(DescribedPredicate.describe(
                    "link foreign functions", type -> type.getDirectDependenciesFromSelf().stream()
                            .anyMatch(dependency ->
                                    dependency.getTargetClass().getFullName().equals("java.lang.foreign.Linker"))))
            .should()
            .haveSimpleName("Libtorch")
            .allowEmptyShould(true);

    @ArchTest
    static final ArchRule djl_staysBehindTensorAndTokenizer = noClasses()
            .that()
            .resideOutsideOfPackages(
                    "org.openlora.engine.tensor..", "org.openlora.engine.tokenizer..", "org.openlora.engine.model..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("ai.djl..");

    @ArchTest
    static final ArchRule network_isKnownToServerAndStubsOnly = noClasses()
            .that()
            .resideOutsideOfPackages("org.openlora.server..", "org.openlora.benchmarks..", API)
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(NETWORK);

    @ArchTest
    static final ArchRule aws_isKnownToAdapterOriginsOnly = noClasses()
            .that()
            .resideOutsideOfPackage("org.openlora.adapters.origin..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("software.amazon..");

    @ArchTest
    static final ArchRule vectorApi_isKnownToKernelsOnly = noClasses()
            .that()
            .resideOutsideOfPackage("org.openlora.kernels..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("jdk.incubator.vector..");

    @ArchTest
    static final ArchRule step_readsNoClockButAnInjectedOne = noClasses()
            .that()
            .resideInAnyPackage(STEP)
            .should()
            .callMethod(System.class, "nanoTime")
            .orShould()
            .callMethod(System.class, "currentTimeMillis")
            .orShould()
            .callMethod(Instant.class, "now")
            .orShould()
            .callMethod(Clock.class, "millis");

    @ArchTest
    static final ArchRule step_neverSleeps = noClasses()
            .that()
            .resideInAnyPackage(STEP)
            .should()
            .callMethod(Thread.class, "sleep", long.class)
            .orShould()
            .callMethod(Thread.class, "sleep", java.time.Duration.class);

    @ArchTest
    static final ArchRule step_holdsNoLock = noClasses()
            .that()
            .resideInAnyPackage(STEP)
            .should()
            .dependOnClassesThat()
            .areAssignableTo(Lock.class);

    @ArchTest
    static final ArchRule step_hasNoSynchronizedMethod =
            classes().that().resideInAnyPackage(STEP).should(haveNoSynchronizedMethod());

    @ArchTest
    static void everyPackage_isNullMarked(JavaClasses classes) {
        assertThat(classes.stream()
                        .map(JavaClass::getPackage)
                        .distinct()
                        .filter(candidate -> !candidate.getName().startsWith("org.openlora.api"))
                        .filter(candidate -> !candidate.isAnnotatedWith(NullMarked.class))
                        .map(JavaPackage::getName))
                .isEmpty();
    }

    private static DescribedPredicate<JavaClass> openLora(String... allowed) {
        return resideInAnyPackage("org.openlora..")
                .and(DescribedPredicate.not(resideInAnyPackage(allowed)))
                .as("another OpenLoRA module");
    }

    private static ArchCondition<JavaClass> haveNoSynchronizedMethod() {
        return new ArchCondition<>("have no synchronized method") {
            @Override
            public void check(JavaClass type, ConditionEvents events) {
                for (JavaMethod method : type.getMethods()) {
                    boolean locked = method.getModifiers().contains(JavaModifier.SYNCHRONIZED);
                    events.add(new SimpleConditionEvent(type, !locked, describe(method)));
                }
            }

            private static String describe(JavaCodeUnit method) {
                return method.getFullName()
                        + (method.getModifiers().contains(JavaModifier.SYNCHRONIZED) ? " is" : " is not")
                        + " synchronized";
            }
        };
    }
}
