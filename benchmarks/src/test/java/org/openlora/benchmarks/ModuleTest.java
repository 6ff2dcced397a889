package org.openlora.benchmarks;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/// The structure of this module, which no other module sees.
@AnalyzeClasses(packages = "org.openlora.benchmarks", importOptions = ImportOption.DoNotIncludeTests.class)
class ModuleTest {
    @ArchTest
    static final ArchRule packages_areFreeOfCycles =
            slices().matching("org.openlora.benchmarks.(*)..").should().beFreeOfCycles();

    @ArchTest
    static final ArchRule foreignFunctions_areLinkedForMeasuringOnly = noClasses()
            .that()
            .resideOutsideOfPackage("org.openlora.benchmarks.machine")
            .should()
            .dependOnClassesThat()
            .haveFullyQualifiedName("java.lang.foreign.Linker");
}
