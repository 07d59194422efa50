/** MMX and SSE operations by the manual's names (SDM volume 1, chapters 9 to 12). */

/** Moves and integer arithmetic, with generic semantics. One name serves MMX and XMM registers: the operands say which. */
export type PackedOperation =
  // moves
  | 'movVector'
  | 'movLow'
  | 'movq'
  | 'movd'
  | 'movdToGeneral'
  | 'movss'
  | 'movsd'
  | 'movHigh'
  | 'movHighToMemory'
  | 'movhlps'
  | 'movddup'
  | 'movsldup'
  | 'movshdup'
  | 'pmovmskb'
  | 'movmskps'
  | 'movmskpd'
  | 'maskmov'
  | 'pinsrw'
  | 'pextrw'
  // arithmetic
  | 'paddb'
  | 'paddw'
  | 'paddd'
  | 'paddq'
  | 'paddsb'
  | 'paddsw'
  | 'paddusb'
  | 'paddusw'
  | 'psubb'
  | 'psubw'
  | 'psubd'
  | 'psubq'
  | 'psubsb'
  | 'psubsw'
  | 'psubusb'
  | 'psubusw'
  | 'pmullw'
  | 'pmulhw'
  | 'pmulhuw'
  | 'pmuludq'
  | 'pmaddwd'
  | 'psadbw'
  | 'pavgb'
  | 'pavgw'
  | 'pminub'
  | 'pminsw'
  | 'pmaxub'
  | 'pmaxsw'
  // comparison and logic
  | 'pcmpeqb'
  | 'pcmpeqw'
  | 'pcmpeqd'
  | 'pcmpgtb'
  | 'pcmpgtw'
  | 'pcmpgtd'
  | 'pand'
  | 'pandn'
  | 'por'
  | 'pxor'
  // shifts
  | 'psllw'
  | 'pslld'
  | 'psllq'
  | 'psrlw'
  | 'psrld'
  | 'psrlq'
  | 'psraw'
  | 'psrad'
  | 'pslldq'
  | 'psrldq'
  // rearrangement
  | 'packsswb'
  | 'packssdw'
  | 'packuswb'
  | 'punpcklbw'
  | 'punpcklwd'
  | 'punpckldq'
  | 'punpcklqdq'
  | 'punpckhbw'
  | 'punpckhwd'
  | 'punpckhdq'
  | 'punpckhqdq'
  | 'pshufw'
  | 'pshufd'
  | 'pshuflw'
  | 'pshufhw'
  | 'shufps'
  | 'shufpd';

/** Packed single and double precision, scalar single and double precision. */
export type FloatForm = 'ps' | 'pd' | 'ss' | 'sd';

/** Operations on floating-point numbers, and those of MXCSR and the x87's tags: plain functions. */
export type SseOperation =
  | `${'add' | 'sub' | 'mul' | 'div' | 'min' | 'max' | 'sqrt' | 'cmp'}${FloatForm}`
  | `${'addsub' | 'hadd' | 'hsub'}${'ps' | 'pd'}`
  | `${'rcp' | 'rsqrt'}${'ps' | 'ss'}`
  | `${'comis' | 'ucomis'}${'s' | 'd'}`
  // conversions
  | 'cvtps2pd'
  | 'cvtpd2ps'
  | 'cvtss2sd'
  | 'cvtsd2ss'
  | 'cvtdq2ps'
  | 'cvtdq2pd'
  | 'cvtpi2ps'
  | 'cvtpi2pd'
  | 'cvtsi2ss'
  | 'cvtsi2sd'
  | `${'cvt' | 'cvtt'}${'ps2dq' | 'pd2dq' | 'ps2pi' | 'pd2pi' | 'ss2si' | 'sd2si'}`
  // state
  | 'ldmxcsr'
  | 'stmxcsr'
  | 'emms'
  | 'clflush';
