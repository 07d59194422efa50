/*
 * check.h: what was tried and what came of it, a line each:
 *   ok   name
 *   FAIL name: saw X, wanted Y
 *   skip name: why this processor cannot show it
 */
#pragma once

#include "../primer/common/types.h"

void print(const char *text, ...) __attribute__((format(printf, 1, 2)));

/* A check begins; end() prints its line. In between, the first thing that is not as wanted counts. */
void begin(const char *text, ...) __attribute__((format(printf, 1, 2)));
void want(const char *what, u32 saw, u32 wanted);
void want_outcome(u32 saw, u32 wanted);
void end(void);

/* A whole check. */
void check(const char *name, u32 saw, u32 wanted);
void check_outcome(const char *name, u32 saw, u32 wanted);
void skip(const char *name, const char *why);

/* The last line. */
void summary(void);
