/*
 * What kernels and programs do all day, each a loop of fixed work: `bench NAME CHUNKS` prints BEGIN NAME, does that many chunks, and prints
 * RESULT NAME UNITS UNIT CHECK. The host takes the time of both lines, so the guest's own clock does not matter.
 * Compiled by gcc -m32 -O2 -static -march=i686 (see guest.ts).
 */
#define _GNU_SOURCE
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static uint32_t check;

/* A million instructions: ten in a loop, registers only. */
static double mips(void) {
  uint32_t n = 100000, a = check | 1, b = 7, c = 11;
  __asm__ volatile(
      "1: add %1, %2\n xor %3, %1\n lea 5(%2,%3,2), %3\n ror $7, %1\n sub %2, %3\n"
      "and $0x7fffff, %2\n or $1, %1\n imul $9, %1, %1\n dec %0\n jnz 1b\n"
      : "+r"(n), "+r"(a), "+r"(b), "+r"(c)::"cc");
  check ^= a + b + c;
  return 1;
}

/* Lists, matrices, a state machine over text, and a CRC: what compiled integer code looks like. */
struct cell {
  struct cell *next;
  int16_t key, origin;
};
#define CELLS 300
static struct cell cells[CELLS];

static uint16_t crc(uint16_t sum, uint16_t value) {
  for (int n = 0; n < 16; n++) {
    int low = (sum ^ value) & 1;
    sum >>= 1;
    value >>= 1;
    if (low) sum ^= 0xa001;
  }
  return sum;
}

static struct cell *merge(struct cell *a, struct cell *b) {
  struct cell head, *last = &head;
  while (a && b) {
    struct cell **least = a->key <= b->key ? &a : &b;
    last = last->next = *least;
    *least = last->next;
  }
  last->next = a ? a : b;
  return head.next;
}

static struct cell *sort(struct cell *list, int length) {
  if (length < 2) {
    if (list) list->next = NULL;
    return list;
  }
  struct cell *middle = list;
  for (int n = 0; n < length / 2; n++) middle = middle->next;
  struct cell *right = sort(middle, length - length / 2);
  return merge(sort(list, length / 2), right);
}

enum state { START, SIGN, WHOLE, POINT, FRACTION, EXPONENT, POWER, WRONG };
static enum state number(const char *text) {
  enum state state = START;
  for (; *text && state != WRONG; text++) {
    int digit = *text >= '0' && *text <= '9';
    switch (state) {
      case START:
        state = digit ? WHOLE : *text == '+' || *text == '-' ? SIGN : *text == '.' ? POINT : WRONG;
        break;
      case SIGN:
        state = digit ? WHOLE : *text == '.' ? POINT : WRONG;
        break;
      case WHOLE:
        state = digit ? WHOLE : *text == '.' ? FRACTION : *text == 'e' ? EXPONENT : WRONG;
        break;
      case POINT:
      case FRACTION:
        state = digit ? FRACTION : *text == 'e' ? EXPONENT : WRONG;
        break;
      case EXPONENT:
      case POWER:
        state = digit ? POWER : WRONG;
        break;
      case WRONG:
        break;
    }
  }
  return state;
}

#define SIDE 20
static double integer(void) {
  static const char *const texts[] = {"1984", "-3.25", "+7e12", "x86", ".5", "12.25e3", "9..1", "-", "0.001", "6e", "31337", "2.e8"};
  static int16_t a[SIDE][SIDE], b[SIDE][SIDE];
  static uint32_t random = 1;
  uint16_t sum = 0;
  struct cell *list = NULL;
  for (int n = 0; n < CELLS; n++) {
    random = random * 1664525 + 1013904223;
    cells[n] = (struct cell){list, random >> 16, n};
    list = &cells[n];
  }
  for (struct cell *at = sort(list, CELLS); at; at = at->next) sum = crc(sum, at->key ^ at->origin);
  for (int y = 0; y < SIDE; y++)
    for (int x = 0; x < SIDE; x++) a[y][x] = (random >> (x & 15)) - y, b[y][x] = sum + x * y;
  for (int y = 0; y < SIDE; y++)
    for (int x = 0; x < SIDE; x++) {
      int32_t product = 0;
      for (int k = 0; k < SIDE; k++) product += a[y][k] * b[k][x];
      sum = crc(sum, product >> 2);
    }
  for (int n = 0; n < 120; n++) sum = crc(sum, number(texts[(n + sum) % 12]));
  check = check * 31 + sum;
  return 1;
}

/* SHA-256 of 64 KiB; its constants are computed, as the fractions of cube and square roots of primes. */
static uint32_t constants[64], start[8];
static void prepare(void) {
  for (int prime = 2, n = 0; n < 64; prime++) {
    int divisor = 2;
    while (divisor * divisor <= prime && prime % divisor) divisor++;
    if (divisor * divisor <= prime) continue;
    constants[n] = (uint32_t)(uint64_t)((cbrtl(prime) - floorl(cbrtl(prime))) * 4294967296.0L);
    if (n < 8) start[n] = (uint32_t)(uint64_t)((sqrtl(prime) - floorl(sqrtl(prime))) * 4294967296.0L);
    n++;
  }
}
#define ROR(x, n) ((x) >> (n) | (x) << (32 - (n)))
static void compress(uint32_t *h, const uint8_t *bytes) {
  uint32_t w[64];
  for (int n = 0; n < 16; n++)
    w[n] = bytes[4 * n] << 24 | bytes[4 * n + 1] << 16 | bytes[4 * n + 2] << 8 | bytes[4 * n + 3];
  for (int n = 16; n < 64; n++)
    w[n] = w[n - 16] + w[n - 7] + (ROR(w[n - 15], 7) ^ ROR(w[n - 15], 18) ^ w[n - 15] >> 3) +
           (ROR(w[n - 2], 17) ^ ROR(w[n - 2], 19) ^ w[n - 2] >> 10);
  uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4], f = h[5], g = h[6], k = h[7];
  for (int n = 0; n < 64; n++) {
    uint32_t t = k + (ROR(e, 6) ^ ROR(e, 11) ^ ROR(e, 25)) + ((e & f) ^ (~e & g)) + constants[n] + w[n];
    uint32_t u = (ROR(a, 2) ^ ROR(a, 13) ^ ROR(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    k = g, g = f, f = e, e = d + t;
    d = c, c = b, b = a, a = t + u;
  }
  h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e, h[5] += f, h[6] += g, h[7] += k;
}
static double sha(void) {
  static uint8_t text[65536];
  uint32_t h[8];
  if (!start[0]) prepare();
  memcpy(h, start, sizeof h);
  for (unsigned at = 0; at < sizeof text; at += 64) compress(h, text + at);
  memcpy(text, h, sizeof h);
  check = h[0];
  return 1 / 16.0;
}

/* System calls: the way that the C library chose, and the old gate. */
static double getppids(void) {
  for (int n = 0; n < 500; n++) check += syscall(SYS_getppid) != 0;
  return 500;
}
static double gates(void) {
  for (int n = 0; n < 500; n++) {
    int answer;
    __asm__ volatile("int $0x80" : "=a"(answer) : "0"(SYS_getppid) : "memory");
    check += answer != 0;
  }
  return 500;
}

/* Page faults and changes of page tables. */
static double maps(void) {
  const int pages = 64;
  volatile char *at = mmap(NULL, pages * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) exit(1);
  for (int n = 0; n < pages; n++) at[n * 4096] = n;
  check += at[4096];
  munmap((void *)at, pages * 4096);
  return pages;
}

/* A process of another program begins and ends. */
static void become(void) {
  execl("/bin/busybox", "true", (char *)NULL);
  _exit(99);
}
static double ended(pid_t child) {
  int status;
  waitpid(child, &status, 0);
  if (status != 0) exit(1);
  check++;
  return 1;
}
static double processes(void) {
  pid_t child = vfork();
  if (child == 0) become();
  return ended(child);
}
static double forks(void) {
  pid_t child = fork();
  if (child == 0) become();
  return ended(child);
}

/* Five bodies that attract each other, in the doubles of the x87. */
struct body {
  double place[3], speed[3], mass;
};
static struct body bodies[5] = {
    {{0, 0, 0}, {0, 0, 0}, 39.5},
    {{4.8, -1.2, -0.1}, {0.6, 2.8, -0.02}, 0.038},
    {{8.3, 4.1, -0.4}, {-1.0, 1.8, 0.008}, 0.011},
    {{12.9, -15.1, -0.2}, {1.1, 0.87, -0.01}, 0.0017},
    {{15.4, -25.9, 0.2}, {0.98, 0.59, -0.03}, 0.002},
};
static double nbody(void) {
  for (int step = 0; step < 50; step++) {
    for (int i = 0; i < 5; i++)
      for (int j = i + 1; j < 5; j++) {
        double d[3], square = 0;
        for (int k = 0; k < 3; k++) {
          d[k] = bodies[i].place[k] - bodies[j].place[k];
          square += d[k] * d[k];
        }
        double force = 0.001 / (square * sqrt(square));
        for (int k = 0; k < 3; k++) {
          bodies[i].speed[k] -= d[k] * bodies[j].mass * force;
          bodies[j].speed[k] += d[k] * bodies[i].mass * force;
        }
      }
    for (int i = 0; i < 5; i++)
      for (int k = 0; k < 3; k++) bodies[i].place[k] += 0.001 * bodies[i].speed[k];
  }
  check = (uint32_t)(int32_t)(bodies[0].place[0] * 1e6);
  return 50;
}

/* Copying of blocks of several sizes, by the C library and by the string instructions. */
static double copies(void) {
  static uint8_t from[1 << 16], to[1 << 16];
  for (int size = 16; size <= 1 << 16; size <<= 2) {
    for (int n = 0; n < 1 << 16; n += size) {
      void *source = from + n, *target = to + n;
      unsigned count = size / 4;
      __asm__ volatile("cld; rep movsl" : "+S"(source), "+D"(target), "+c"(count)::"memory");
    }
    memset(from, size + check, size);
  }
  check += to[77];
  return 7 / 16.0;
}

static const struct {
  const char *name, *unit;
  double (*chunk)(void);
} programs[] = {
    {"mips", "million instructions", mips}, {"int", "iterations", integer}, {"sha", "MiB", sha},
    {"getppid", "calls", getppids},         {"int80", "calls", gates},      {"mmap", "pages", maps},
    {"forkexec", "processes", forks},       {"vforkexec", "processes", processes},
    {"nbody", "steps", nbody},              {"copy", "MiB", copies},
};

int main(int count, char **words) {
  if (count != 3) return 2;
  for (unsigned n = 0; n < sizeof programs / sizeof *programs; n++) {
    if (strcmp(words[1], programs[n].name)) continue;
    double units = 0;
    programs[n].chunk();
    check = 0;
    printf("BEGIN %s\n", programs[n].name);
    fflush(stdout);
    for (int chunks = atoi(words[2]); chunks > 0; chunks--) units += programs[n].chunk();
    printf("RESULT %s %.3f %s %x\n", programs[n].name, units, programs[n].unit, check);
    return 0;
  }
  return 2;
}
