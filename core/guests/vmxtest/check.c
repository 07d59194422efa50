/* check.c: prints what was tried and counts. */
#include "check.h"
#include "../primer/common/text.h"
#include "attempt.h"

static u32 good, bad, skipped;
static char name[80];
static bool failed;

static void put(char c, void *to) {
  (void)to;
  if (c == '\n') console_send('\r');
  console_send(c);
}

void print(const char *text, ...) {
  va_list values;
  va_start(values, text);
  format(put, NULL, text, values);
  va_end(values);
}

static void put_into_name(char c, void *to) {
  u32 *length = to;
  if (*length < sizeof name - 1) name[(*length)++] = c;
}

void begin(const char *text, ...) {
  va_list values;
  u32 length = 0;
  va_start(values, text);
  format(put_into_name, &length, text, values);
  va_end(values);
  name[length] = 0;
  failed = false;
}

void want(const char *what, u32 saw, u32 wanted) {
  if (failed || saw == wanted) return;
  failed = true;
  print("FAIL %s: saw %s %x, wanted %x\n", name, what, saw, wanted);
}

void want_outcome(u32 saw, u32 wanted) {
  if (failed || saw == wanted) return;
  failed = true;
  print("FAIL %s: saw %s, wanted %s\n", name, outcome_text(saw), outcome_text(wanted));
}

void end(void) {
  if (failed) {
    bad++;
    return;
  }
  good++;
  print("ok   %s\n", name);
}

void check(const char *text, u32 saw, u32 wanted) {
  begin("%s", text);
  want("", saw, wanted);
  end();
}

void check_outcome(const char *text, u32 saw, u32 wanted) {
  begin("%s", text);
  want_outcome(saw, wanted);
  end();
}

void skip(const char *text, const char *why) {
  skipped++;
  print("skip %s: %s\n", text, why);
}

void summary(void) {
  if (skipped > 0) print("vmxtest: %u skipped\n", skipped);
  print("vmxtest: %u ok, %u failed\n", good, bad);
}
