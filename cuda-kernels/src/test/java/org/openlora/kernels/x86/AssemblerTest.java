package org.openlora.kernels.x86;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.openlora.kernels.x86.Register.R10;
import static org.openlora.kernels.x86.Register.R12;
import static org.openlora.kernels.x86.Register.R13;
import static org.openlora.kernels.x86.Register.R15;
import static org.openlora.kernels.x86.Register.R8;
import static org.openlora.kernels.x86.Register.R9;
import static org.openlora.kernels.x86.Register.RAX;
import static org.openlora.kernels.x86.Register.RCX;
import static org.openlora.kernels.x86.Register.RDI;
import static org.openlora.kernels.x86.Register.RDX;
import static org.openlora.kernels.x86.Register.RSI;
import static org.openlora.kernels.x86.Register.RSP;

import java.util.HexFormat;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class AssemblerTest {
    /// Bytes by GNU as 2.40, with 4 bytes of displacement where it takes fewer.
    static Stream<Arguments> instructions() {
        return Stream.of(
                of("mov rax, rdi", "48 89 f8", code -> code.move(RAX, RDI)),
                of("mov r10, r9", "4d 89 ca", code -> code.move(R10, R9)),
                of("lea rax, [rsi+rdx*2]", "48 8d 04 56", code -> code.loadAddress(RAX, Address.of(RSI, RDX, 2))),
                of("lea r10, [rax+rdx*2]", "4c 8d 14 50", code -> code.loadAddress(R10, Address.of(RAX, RDX, 2))),
                of(
                        "mov r9, [rsp+8]",
                        "4c 8b 8c 24 08 00 00 00",
                        code -> code.load(R9, Address.of(RSP).plus(8))),
                of("add r8, r9", "4d 01 c8", code -> code.add(R8, R9)),
                of("add rdi, 128", "48 81 c7 80 00 00 00", code -> code.add(RDI, 128)),
                of("dec rcx", "48 ff c9", code -> code.decrement(RCX)),
                of("jnz to itself", "0f 85 fa ff ff ff", code -> code.jumpIfNotZero(0)),
                of("prefetcht0 [rdi]", "0f 18 0f", code -> code.prefetch(Address.of(RDI))),
                of(
                        "prefetcht0 [r12+rsi*4+3072]",
                        "41 0f 18 8c b4 00 0c 00 00",
                        code -> code.prefetch(Address.of(R12, RSI, 4).plus(3072))),
                of("vzeroupper", "c5 f8 77", Assembler::endVectors),
                of("ret", "c3", Assembler::ret),
                of("vpxord zmm17, zmm17, zmm17", "62 a1 75 40 ef c9", code -> code.zero(17)),
                of("vmovups zmm16, [rdi]", "62 e1 7c 48 10 07", code -> code.load(16, Address.of(RDI))),
                of("vmovups zmm31, [r13+0]", "62 41 7c 48 10 bd 00 00 00 00", code -> code.load(31, Address.of(R13))),
                of("vmovups [r8], zmm9", "62 51 7c 48 11 08", code -> code.store(Address.of(R8), 9)),
                of(
                        "vpbroadcastd zmm18, [rax+rdx*4]",
                        "62 e2 7d 48 58 14 90",
                        code -> code.broadcast(18, Address.of(RAX, RDX, 4))),
                of("vpbroadcastd zmm21, [r10]", "62 c2 7d 48 58 2a", code -> code.broadcast(21, Address.of(R10))),
                of(
                        "vpbroadcastd zmm3, [r9+r15*8]",
                        "62 92 7d 48 58 1c f9",
                        code -> code.broadcast(3, Address.of(R9, R15, 8))),
                of("vdpbf16ps zmm15, zmm17, zmm18", "62 32 76 40 52 fa", code -> code.dotBf16(15, 17, 18)),
                of("vdpbf16ps zmm0, zmm16, zmm21", "62 b2 7e 40 52 c5", code -> code.dotBf16(0, 16, 21)),
                of("vdpbf16ps zmm30, zmm1, zmm31", "62 02 76 48 52 f7", code -> code.dotBf16(30, 1, 31)));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource
    void instructions(String name, String bytes, Consumer<Assembler> instruction) {
        Assembler assembler = new Assembler();
        instruction.accept(assembler);
        assertThat(HexFormat.ofDelimiter(" ").formatHex(assembler.code())).isEqualTo(bytes);
    }

    @Test
    void align_anyPosition_fillsUpToTheMultiple() {
        Assembler assembler = new Assembler();
        assembler.ret();
        assembler.align(16);
        assertThat(assembler.position()).isEqualTo(16);
        assembler.align(16);
        assertThat(assembler.position()).isEqualTo(16);
    }

    @Test
    void operandsThatDoNotExist_areRefusedByName() {
        Assembler assembler = new Assembler();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> assembler.zero(32))
                .withMessage("there is no vector 32; there are 32");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Address.of(RAX, RSP, 1))
                .withMessage("RSP cannot be an index");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Address.of(RAX, RAX, 3))
                .withMessage("scale is 3, must be 1, 2, 4 or 8");
    }

    private static Arguments of(String name, String bytes, Consumer<Assembler> instruction) {
        return Arguments.of(name, bytes, instruction);
    }
}
