/* main.c: tries VMX of this processor as a hypervisor would, and tells what it saw. */
#include "vmx.h"
#include "tests.h"

static bool can_run_guests(void) {
  return (capabilities.secondary.may & SECONDARY_EPT) && (capabilities.secondary.may & SECONDARY_UNRESTRICTED);
}

static void print_exits_seen(void) {
  print("exits seen:");
  for (u32 n = 0; n < EXIT_REASON_COUNT; n++) {
    if (exits_seen[n]) print(" %s", exit_name(n) ? exit_name(n) : "?");
  }
  print("\n");
}

#define MULTIBOOT 0x2badb002u

static const char *command_line = "";

bool left_out(const char *word) {
  for (const char *text = command_line;; text++) {
    const char *a = text, *b = word;
    while (*b && *a == *b) a++, b++;
    if (*b == 0 && (*a == 0 || *a == ' ')) return true;
    while (*text && *text != ' ') text++;
    if (*text == 0) return false;
  }
}

void main(u32 magic, const u32 *information) {
  /* The fifth word of the loader's information, if the first has bit 2. */
  if (magic == MULTIBOOT && (information[0] & 4)) command_line = (const char *)information[4];
  console_start();
  tables_start();
  if (!capabilities_read()) power_off();
  paging_start();
  interrupt_controller_start();

  capabilities_check();
  test_vmxon();
  test_instructions();
  test_fields();
  test_vmxoff();
  if (can_run_guests()) {
    ept_start();
    make_region(vmcs_region, capabilities.revision);
    test_controls();
    test_host_state();
    test_guest_state();
    test_msr_loading();
    test_instruction_exits();
    test_register_exits();
    test_port_exits();
    test_event_exits();
    test_memory();
    test_paging();
    test_events();
    test_state();
    test_real();
    test_privilege();
    test_shadow();
    print_exits_seen();
  } else {
    print("This processor has no EPT with unrestricted guest: no guest is entered.\n");
  }
  vmxoff();
  summary();
  power_off();
}
