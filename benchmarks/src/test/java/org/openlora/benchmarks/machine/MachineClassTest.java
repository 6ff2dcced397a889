package org.openlora.benchmarks.machine;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MachineClassTest {
    @Test
    void processorName_cpuinfo_isNameFamilyAndModel() {
        String cpuinfo = "processor\t: 0\ncpu family\t: 25\nmodel\t\t: 1\nmodel name\t: AMD EPYC 7763\n";
        assertThat(MachineClass.processorName(cpuinfo)).isEqualTo("AMD EPYC 7763, family 25 model 1");
        assertThat(MachineClass.processorName("")).contains("unknown");
    }

    @ParameterizedTest
    @CsvSource({"32768K, 33554432", "32M, 33554432", "512, 512", "'', 0", "many, 0"})
    void bytes_sizeAsLinuxWritesIt_isBytes(String size, long bytes) {
        assertThat(MachineClass.bytes(size)).isEqualTo(bytes);
    }

    @Test
    void slug_thisMachine_fitsIntoAFileName() {
        assertThat(MachineClass.current().slug()).matches("[a-z0-9-]+");
    }
}
