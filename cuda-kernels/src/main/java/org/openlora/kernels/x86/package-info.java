/// Machine code for x86-64 that the process writes for itself at start-up: the few instructions that Java has no word
/// for and that decide how fast a dense layer is.
///
/// Starting points:
/// - [Assembler]: from instructions to bytes
/// - [MachineCode]: from bytes to something that can be called
@NullMarked
package org.openlora.kernels.x86;

import org.jspecify.annotations.NullMarked;
