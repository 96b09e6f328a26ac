#include "go_asm.h"
#include "textflag.h"

// R12 is the control block, R13 the operation, in parent and child alike.

// func vfork(c *control)
TEXT ·vfork(SB), NOSPLIT, $0-8
	MOVQ	c+0(FP), R12

	// rt_sigprocmask(SIG_SETMASK, &all, &mask): no handler may run in the child,
	// whose memory is ours.
	MOVQ	$14, AX
	MOVQ	$2, DI
	LEAQ	control_all(R12), SI
	LEAQ	control_mask(R12), DX
	MOVQ	$8, R10
	SYSCALL

	CMPQ	control_clone3(R12), $0
	JEQ	clone
	MOVQ	$435, AX
	LEAQ	control_args(R12), DI
	MOVQ	$cloneArgs__size, SI
	SYSCALL
	JMP	forked

clone:
	MOVQ	$56, AX
	MOVQ	control_flags(R12), DI
	MOVQ	control_stack(R12), SI
	LEAQ	control_tid(R12), DX
	XORQ	R10, R10
	XORQ	R8, R8
	SYSCALL

forked:
	TESTQ	AX, AX
	JEQ	child
	MOVQ	AX, control_pid(R12)
	MOVQ	$14, AX
	MOVQ	$2, DI
	LEAQ	control_mask(R12), SI
	XORQ	DX, DX
	MOVQ	$8, R10
	SYSCALL
	RET

	// From here on nothing is pushed and nothing is called.
child:
	MOVQ	control_ops(R12), R13

next:
	MOVQ	op_nr(R13), AX
	CMPQ	AX, $-1
	JEQ	pid
	CMPQ	AX, $-2
	JEQ	fail
	MOVQ	(op_args+0)(R13), DI
	MOVQ	(op_args+8)(R13), SI
	MOVQ	(op_args+16)(R13), DX
	MOVQ	(op_args+24)(R13), R10
	MOVQ	(op_args+32)(R13), R8
	MOVQ	(op_args+40)(R13), R9
	SYSCALL
	CMPQ	AX, $0xfffffffffffff001
	JCC	error

done:
	MOVQ	(op_out+0)(R13), BX
	TESTQ	BX, BX
	JEQ	out1
	MOVQ	AX, (BX)

out1:
	MOVQ	(op_out+8)(R13), BX
	TESTQ	BX, BX
	JEQ	out2
	MOVQ	AX, (BX)

out2:
	ADDQ	op_next(R13), R13
	JMP	next

error:
	NEGQ	AX
	CMPQ	op_any(R13), $0
	JNE	other
	CMPQ	AX, (op_fine+0)(R13)
	JEQ	other
	CMPQ	AX, (op_fine+8)(R13)
	JEQ	other
	CMPQ	AX, (op_fine+16)(R13)
	JEQ	other

failed:
	// Say which and why, and exit_group(status).
	MOVQ	AX, control_errno(R12)
	MOVQ	R13, AX
	SUBQ	control_ops(R12), AX
	INCQ	AX
	MOVQ	AX, control_failed(R12)
	MOVQ	op_status(R13), DI
	MOVQ	$231, AX
	SYSCALL
	INT	$3

other:
	MOVQ	op_seen(R13), BX
	TESTQ	BX, BX
	JEQ	skip
	CMPQ	AX, $2 // ENOENT
	JEQ	skip
	MOVQ	AX, (BX)

skip:
	ADDQ	op_other(R13), R13
	JMP	next

fail:
	MOVQ	(op_args+0)(R13), AX
	JMP	failed

pid:
	// getpid in decimal at args[0]: find the end, then write towards the start.
	MOVQ	$39, AX
	SYSCALL
	MOVQ	AX, R8
	MOVQ	(op_args+0)(R13), DI
	MOVQ	$10, CX

count:
	INCQ	DI
	XORQ	DX, DX
	DIVQ	CX
	TESTQ	AX, AX
	JNE	count
	MOVB	$0, (DI)
	MOVQ	R8, AX

digit:
	DECQ	DI
	XORQ	DX, DX
	DIVQ	CX
	ADDQ	$48, DX
	MOVB	DX, (DI)
	TESTQ	AX, AX
	JNE	digit
	MOVQ	R8, AX
	JMP	done
