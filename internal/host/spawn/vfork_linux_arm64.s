#include "go_asm.h"
#include "textflag.h"

// R19 is the control block, R20 the operation, in parent and child alike.

// func vfork(c *control)
TEXT ·vfork(SB), NOSPLIT, $0-8
	MOVD	c+0(FP), R19

	// rt_sigprocmask(SIG_SETMASK, &all, &mask): no handler may run in the child,
	// whose memory is ours.
	MOVD	$2, R0
	ADD	$control_all, R19, R1
	ADD	$control_mask, R19, R2
	MOVD	$8, R3
	MOVD	$135, R8
	SVC

	MOVD	control_clone3(R19), R0
	CBZ	R0, clone
	ADD	$control_args, R19, R0
	MOVD	$cloneArgs__size, R1
	MOVD	$435, R8
	SVC
	JMP	forked

clone:
	MOVD	control_flags(R19), R0
	MOVD	control_stack(R19), R1
	ADD	$control_tid, R19, R2
	MOVD	$0, R3
	MOVD	$0, R4
	MOVD	$220, R8
	SVC

forked:
	CBZ	R0, child
	MOVD	R0, control_pid(R19)
	MOVD	$2, R0
	ADD	$control_mask, R19, R1
	MOVD	$0, R2
	MOVD	$8, R3
	MOVD	$135, R8
	SVC
	RET

	// From here on nothing is pushed and nothing is called.
child:
	MOVD	control_ops(R19), R20

next:
	MOVD	op_nr(R20), R8
	CMN	$1, R8
	BEQ	pid
	CMN	$2, R8
	BEQ	fail
	MOVD	(op_args+0)(R20), R0
	MOVD	(op_args+8)(R20), R1
	MOVD	(op_args+16)(R20), R2
	MOVD	(op_args+24)(R20), R3
	MOVD	(op_args+32)(R20), R4
	MOVD	(op_args+40)(R20), R5
	SVC
	CMN	$4095, R0
	BCS	error

done:
	MOVD	(op_out+0)(R20), R9
	CBZ	R9, out1
	MOVD	R0, (R9)

out1:
	MOVD	(op_out+8)(R20), R9
	CBZ	R9, out2
	MOVD	R0, (R9)

out2:
	MOVD	op_next(R20), R9
	ADD	R9, R20
	JMP	next

error:
	NEG	R0, R0
	MOVD	op_any(R20), R9
	CBNZ	R9, other
	MOVD	(op_fine+0)(R20), R9
	CMP	R9, R0
	BEQ	other
	MOVD	(op_fine+8)(R20), R9
	CMP	R9, R0
	BEQ	other
	MOVD	(op_fine+16)(R20), R9
	CMP	R9, R0
	BEQ	other

failed:
	// Say which and why, and exit_group(status).
	MOVD	R0, control_errno(R19)
	MOVD	control_ops(R19), R9
	SUB	R9, R20, R9
	ADD	$1, R9
	MOVD	R9, control_failed(R19)
	MOVD	op_status(R20), R0
	MOVD	$94, R8
	SVC
	BRK

other:
	MOVD	op_seen(R20), R9
	CBZ	R9, skip
	CMP	$2, R0 // ENOENT
	BEQ	skip
	MOVD	R0, (R9)

skip:
	MOVD	op_other(R20), R9
	ADD	R9, R20
	JMP	next

fail:
	MOVD	(op_args+0)(R20), R0
	JMP	failed

pid:
	// getpid in decimal at args[0]: find the end, then write towards the start.
	MOVD	$172, R8
	SVC
	MOVD	(op_args+0)(R20), R9
	MOVD	$10, R10
	MOVD	R0, R11

count:
	ADD	$1, R9
	UDIV	R10, R11, R11
	CBNZ	R11, count
	MOVB	ZR, (R9)
	MOVD	R0, R11

digit:
	SUB	$1, R9
	UDIV	R10, R11, R12
	MSUB	R10, R11, R12, R13
	ADD	$48, R13
	MOVB	R13, (R9)
	MOVD	R12, R11
	CBNZ	R11, digit
	JMP	done
