/* shell.c: reads a line from the console, and does what its word says. */
#include "system.h"
#include "commands.h"

#define LINE 80

static const struct {
  const char *name;
  void (*run)(void);
  const char *help;
} commands[] = {
  { "help", run_help, "this list" },
  { "ps", run_ps, "processes" },
  { "mem", run_mem, "the shell's page tables" },
  { "fault", run_fault, "a process touches the kernel's memory" },
  { "sensitive", run_sensitive, "sensitive instructions, executed by the kernel" },
  { "fork", run_fork, "processes that print their pid and end" },
  { "bench", run_bench, "how often in a timer tick" },
  { "reboot", run_reboot, "start again" },
};

void run_help(void) {
  for (u32 i = 0; i < length_of(commands); i++) print("%-10s %s\n", commands[i].name, commands[i].help);
}

#define BACKSPACE 0x08
#define DELETE 0x7f
#define ESCAPE 0x1b
#define CANCEL_LINE 0x15 /* control-U */
#define CANCEL 0x03      /* control-C */

static char next_character(void) {
  char c;
  while (read(&c, 1) != 1) continue;
  return c;
}

/*
 * An escape sequence, such as an arrow key's, ends with a letter or a tilde. It means nothing
 * here.
 */
static void skip_escape(void) {
  if (next_character() != '[') return;
  char c;
  do c = next_character();
  while (c < '@' || c > '~');
}

/* Reads up to the end of a line, echoing it. */
static void read_line(char *line) {
  u32 length = 0;
  for (;;) {
    char c = next_character();
    if (c == '\r' || c == '\n') break;
    if (c == ESCAPE) {
      skip_escape();
    } else if (c == CANCEL) {
      length = 0;
      print("^C");
      break;
    } else if (c == BACKSPACE || c == DELETE || c == CANCEL_LINE) {
      while (length > 0) {
        length--;
        print("\b \b");
        if (c != CANCEL_LINE) break;
      }
    } else if (c >= ' ' && c <= '~' && length < LINE - 1) {
      line[length++] = c;
      print("%c", c);
    }
  }
  line[length] = 0;
  print("\n");
}

/* Takes the spaces away from both ends. */
static char *trim(char *line) {
  while (*line == ' ') line++;
  char *end = line;
  for (char *c = line; *c; c++) {
    if (*c != ' ') end = c + 1;
  }
  *end = 0;
  return line;
}

static void run(const char *word) {
  for (u32 i = 0; i < length_of(commands); i++) {
    if (same_text(commands[i].name, word)) {
      commands[i].run();
      return;
    }
  }
  print("%s: no such command, try help\n", word);
}

int main(void) {
  static char line[LINE];
  for (;;) {
    print("primer$ ");
    read_line(line);
    char *word = trim(line);
    if (*word) run(word);
  }
}
