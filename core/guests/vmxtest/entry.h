/* entry.h: VM entries that fail as they should. */
#pragma once

#include "vmx.h"

/* A machine that would exit by VMCALL, and a check that it does. */
void fresh_call(void);
void enters(const char *name);

/* What the following ones come to, and under which heading. */
void expect(const char *group, u32 outcome, u32 qualification);

/* TRY(name, change...): a fresh machine, changes, and an entry that fails as expected. */
#define TRY(name, ...)                                                                                              \
  do {                                                                                                              \
    fresh_call();                                                                                                   \
    __VA_ARGS__;                                                                                                    \
    tried(name);                                                                                                    \
  } while (0)
void tried(const char *name);
