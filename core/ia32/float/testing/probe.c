#include <stdio.h>
#include <stdint.h>
#include <string.h>
typedef struct { uint64_t m; uint16_t se; } __attribute__((packed)) F;
static struct __attribute__((packed)) { uint32_t cw, sw, tw, x[4]; F st[8]; } env;
static uint8_t mem[16];
#define RUN(insn) asm volatile("fninit\n fldt %[b]\n fldt %[a]\n fldcw %[cw]\n" insn "\n fnsave %[env]" : [env]"=m"(env), [m]"+m"(mem) : [a]"m"(a), [b]"m"(b), [cw]"m"(cw))
static void show(const char*n,F a,F b,uint16_t cw){ printf("%-14s cw %04x a %04x:%016lx b %04x:%016lx -> sw %04x st0 %04x:%016lx st1 %04x:%016lx mem",n,cw,a.se,a.m,b.se,b.m,env.sw&0xffff,env.st[0].se,env.st[0].m,env.st[1].se,env.st[1].m); for(int i=0;i<10;i++)printf(" %02x",mem[i]); printf("\n"); }
#define T(n,insn,A,B,CW) do{F a=A,b=B;uint16_t cw=CW;RUN(insn);show(n,a,b,cw);}while(0)
#define V(se,m) ((F){m##ull,se})
int main(){
 F one=V(0x3fff,0x8000000000000000), den=V(0,0x0000000000000123), zero=V(0,0), inf=V(0x7fff,0x8000000000000000), q=V(0x7fff,0xc000000000000005), s=V(0x7fff,0xa000000000000005), pden=V(0,0x8000000000000123);
 F third=V(0x3ffd,0xaaaaaaaaaaaaaaab);
 for(int pc=0;pc<4;pc++) T("fadd pc","fadd %%st(1)",third,V(0x3ffb,0xaaaaaaaaaaaaaaab),0x3f|pc<<8);
 T("den/0","fdiv %%st(1)",den,zero,0x37f);T("den/0 unm Z","fdiv %%st(1)",den,zero,0x37b);T("den/0 unm D","fdiv %%st(1)",den,zero,0x37d);
 T("inf+den","fadd %%st(1)",inf,den,0x37f);T("q+den","fadd %%st(1)",q,den,0x37f);T("inf*den","fmul %%st(1)",inf,den,0x37f);T("den/inf","fdiv %%st(1)",den,inf,0x37f);
 T("0*den","fmul %%st(1)",zero,den,0x37f);T("0+den","fadd %%st(1)",zero,den,0x37f);T("0/den","fdiv %%st(1)",zero,den,0x37f);
 T("den*one","fmul %%st(1)",den,one,0x37f);T("pden*one","fmul %%st(1)",pden,one,0x37f);T("den*one unmU","fmul %%st(1)",den,one,0x36f);T("den+0 unmU","fadd %%st(1)",den,zero,0x36f);
 T("sqrt den-","fsqrt",V(0x8000,0x123),one,0x37f);
 T("s+q","fadd %%st(1)",s,q,0x37f);T("q+s","fadd %%st(1)",q,s,0x37f);T("s+q","fadd %%st(1)",V(0x7fff,0xb000000000000005),V(0x7fff,0xc000000000000005),0x37f);T("s+q","fadd %%st(1)",V(0x7fff,0xb000000000000005),V(0x7fff,0xc000000000000004),0x37f);
 T("q+q eq","fadd %%st(1)",V(0xffff,0xc000000000000005),q,0x37f);T("q+q eq","fadd %%st(1)",q,V(0xffff,0xc000000000000005),0x37f);
 // memory
 #define M32(x) do{uint32_t v=x;memset(mem,0xcc,16);memcpy(mem,&v,4);}while(0)
 M32(0x7fa00000);T("q fadd m32 s","fadds %[m]",q,one,0x37f);
 M32(0x7fb00000);T("q fadd m32 s","fadds %[m]",V(0x7fff,0xc000000000000000),one,0x37f);
 M32(1);T("q fadd m32 den","fadds %[m]",q,one,0x37f);M32(1);T("s fadd m32 den","fadds %[m]",s,one,0x37f);M32(1);T("unn fadd m32 den","fadds %[m]",V(0x3fff,1),one,0x37f);
 M32(1);T("0 fdivr m32 den","fdivrs %[m]",zero,one,0x37f);M32(1);T("0 fdiv m32 den","fdivs %[m]",zero,one,0x37f);M32(1);T("inf fadd m32 den","fadds %[m]",inf,one,0x37f);
 M32(1);T("inf fmul m32 den","fmuls %[m]",inf,one,0x37f);M32(1);T("q fcom m32 den","fcoms %[m]",q,one,0x37f);M32(1);T("1 fcom m32 den","fcoms %[m]",one,one,0x37f);
 M32(0);T("den fdiv m32 0","fdivs %[m]",den,one,0x37f);
 M32(1);T("fld m32 den","flds %[m]",one,one,0x37f);M32(1);T("fld m32 den unm","flds %[m]",one,one,0x37d);M32(0x7fa00000);T("fld m32 s","flds %[m]",one,one,0x37f);M32(0x7fa00000);T("fld m32 s unm","flds %[m]",one,one,0x37e);
 memset(mem,0xcc,16);T("fst m32 ovf","fsts %[m]",V(0x5fff,0x8000000000000001),one,0x37f);memset(mem,0xcc,16);T("fst m32 ovf unm","fsts %[m]",V(0x5fff,0x8000000000000001),one,0x377);
 memset(mem,0xcc,16);T("fstp m32 unf unm","fstps %[m]",V(0x2fff,0x8000000000000001),one,0x36f);memset(mem,0xcc,16);T("fstp m32 unf unm exact","fstps %[m]",V(0x3f7f,0x8000000000000000),one,0x36f);memset(mem,0xcc,16);T("fstp m32 unf exact","fstps %[m]",V(0x3f7f,0x8000000000000000),one,0x37f);
 memset(mem,0xcc,16);T("fstp m32 P unm","fstps %[m]",third,one,0x35f);memset(mem,0xcc,16);T("fstp m32 den","fstps %[m]",den,one,0x37f);memset(mem,0xcc,16);T("fstp m32 den unm U","fstps %[m]",den,one,0x36f);memset(mem,0xcc,16);T("fstp m32 pden unm D","fstps %[m]",pden,one,0x37d);
 memset(mem,0xcc,16);T("fistp m32 unm I","fistpl %[m]",inf,one,0x37e);memset(mem,0xcc,16);T("fistp m32 den","fistpl %[m]",den,one,0x37f);memset(mem,0xcc,16);T("fistp m32 den up","fistpl %[m]",den,one,0xb7f);memset(mem,0xcc,16);T("fistp m32 third nP","fistpl %[m]",third,one,0xb5f);
 memset(mem,0xcc,16);T("fbstp","fbstp %[m]",V(0x4020,0xaaaaaaaaaaaaaaab),one,0x37f);memset(mem,0xcc,16);T("fbstp inf","fbstp %[m]",inf,one,0x37f);memset(mem,0xcc,16);T("fbstp -0","fbstp %[m]",V(0x8000,0),one,0x37f);
 for(int d=60;d<140;d++) T("fprem","fprem",V(0x3fff+d,0x8000000000000001),third,0x37f);
 T("fprem big","fprem",V(0x7ffe,0x8000000000000001),third,0x37f);T("fprem den","fprem",V(0x7ffe,0x8000000000000001),den,0x37f);T("fprem den unmU","fprem",V(5,0x8000000000000001),V(1,0x8000000000000000),0x36f);T("fprem den unmU","fprem",V(5,0x8000000000000001),V(1,0x8000000000000100),0x36f);
 T("fprem inf","fprem",inf,one,0x37f);T("fprem /0","fprem",one,zero,0x37f);T("fprem /inf","fprem",one,inf,0x37f);T("fprem1 /inf","fprem1",one,inf,0x37f);T("fprem 0","fprem",zero,one,0x37f);T("fprem den /inf","fprem",den,inf,0x37f);T("fprem unmU den /inf","fprem",den,inf,0x36f);
 T("fxtract den","fxtract",den,one,0x37f);T("fxtract 0","fxtract",V(0x8000,0),one,0x37f);T("fxtract 0 unm","fxtract",V(0x8000,0),one,0x37b);T("fxtract inf","fxtract",V(0xffff,0x8000000000000000),one,0x37f);T("fxtract q","fxtract",q,one,0x37f);T("fxtract s","fxtract",s,one,0x37f);
 T("fscale","fscale",one,V(0x400c,0x8000000000000000),0x37f);T("fscale ovf","fscale",one,V(0x400d,0x8000000000000000),0x37f);T("fscale ovf unm","fscale",one,V(0x400d,0x8000000000000000),0x377);T("fscale ovf unm mass","fscale",one,V(0x401d,0x8000000000000000),0x377);T("fscale unf unm mass","fscale",one,V(0xc01d,0x8000000000000000),0x36f);T("fscale unf unm","fscale",one,V(0xc00d,0x8000000000000000),0x36f);T("fscale half","fscale",one,V(0x3ffe,0x8000000000000000),0x37f);T("fscale 0,inf","fscale",zero,inf,0x37f);T("fscale 1,-inf","fscale",one,V(0xffff,0x8000000000000000),0x37f);T("fscale inf,-inf","fscale",inf,V(0xffff,0x8000000000000000),0x37f);T("fscale den,1","fscale",den,one,0x37f);T("fscale 1 den","fscale",one,den,0x37f);T("fscale 0,den","fscale",zero,den,0x37f);
 T("frndint den","frndint",den,one,0x37f);T("frndint pc","frndint",V(0x4030,0x8000000000012345),one,0x07f);
 T("fsin 2^63","fsin",V(0x403e,0x8000000000000000),one,0x37f);T("fsin pi","fsin",V(0x4000,0xc90fdaa22168c235),one,0x37f);T("fsin big","fsin",V(0x403d,0x8000000000000001),one,0x37f);T("fsin den","fsin",den,one,0x37f);T("fsin den unmU","fsin",den,one,0x36f);T("fsin pc","fsin",third,one,0x07f);
 T("f2xm1 2","f2xm1",V(0x4000,0x8000000000000000),one,0x37f);T("f2xm1 1.5","f2xm1",V(0x3fff,0xc000000000000000),one,0x37f);T("f2xm1 -3","f2xm1",V(0xc000,0xc000000000000000),one,0x37f);T("f2xm1 100","f2xm1",V(0x4006,0xc000000000000000),one,0x37f);T("f2xm1 -1","f2xm1",V(0xbfff,0x8000000000000000),one,0x37f);T("f2xm1 pc","f2xm1",third,one,0x07f);T("f2xm1 -inf","f2xm1",V(0xffff,0x8000000000000000),one,0x07f);
 T("fyl2xp1 1","fyl2xp1",one,one,0x37f);T("fyl2xp1 -1","fyl2xp1",V(0xbfff,0x8000000000000000),one,0x37f);T("fyl2xp1 3","fyl2xp1",V(0x4000,0xc000000000000000),one,0x37f);T("fyl2xp1 inf","fyl2xp1",inf,one,0x37f);
 T("fyl2x","fyl2x",V(0x4000,0x8000000000000000),one,0x37f);T("fyl2x 3","fyl2x",V(0x4000,0xc000000000000000),one,0x37f);T("fyl2x pc","fyl2x",V(0x4000,0xc000000000000000),one,0x07f);T("fpatan pc","fpatan",one,one,0x07f);T("fpatan","fpatan",one,one,0x37f);T("fpatan up","fpatan",one,one,0xb7f);
}
