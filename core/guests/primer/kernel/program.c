/*
 * program.c: the programs lie in the kernel's image as ELF files. Their segments are copied
 * into a new space, each at the address for which it was linked.
 */
#include "kernel.h"

/* The parts of an ELF file that matter here (System V ABI, chapter 4 and 5). */
struct elf_header {
  u8 identification[16];
  u16 type, machine;
  u32 version, entry, program_headers, section_headers, flags;
  u16 header_size, program_header_size, program_header_count;
};

struct elf_segment {
  u32 type, offset, address, physical, file_size, memory_size, flags, align;
};

#define ELF_LOAD 1    /* type: to be loaded */
#define ELF_EXECUTE 1 /* flags */
#define ELF_WRITE 2

/* programs.asm */
extern const u8 shell_elf[], counter_elf[];

static const struct {
  const char *name;
  const u8 *elf;
} programs[] = {
  { "shell", shell_elf },
  { "counter", counter_elf },
};

/* Segments begin at a page. What the file does not fill stays zero. */
static bool load_segment(struct space *space, const u8 *elf, const struct elf_segment *segment) {
  entry bits = ENTRY_U;
  if (segment->flags & ELF_WRITE) bits |= ENTRY_W;
  if (!(segment->flags & ELF_EXECUTE)) bits |= ENTRY_XD;

  for (u32 done = 0; done < segment->memory_size; done += PAGE) {
    u32 frame = frame_take();
    if (!frame) return false;
    if (!map(space, segment->address + done, frame, bits)) {
      frame_release(frame);
      return false;
    }
    if (done < segment->file_size) {
      u32 left = segment->file_size - done;
      memcpy(at_frame(frame), elf + segment->offset + done, left < PAGE ? left : PAGE);
    }
  }
  return true;
}

/* False: no such program, or no memory. */
bool program_load(const char *name, struct space *space, u32 *start) {
  for (u32 i = 0; i < length_of(programs); i++) {
    if (!same_text(programs[i].name, name)) continue;
    const u8 *elf = programs[i].elf;
    const struct elf_header *header = (const struct elf_header *)elf;
    const struct elf_segment *segment = (const struct elf_segment *)(elf + header->program_headers);
    for (u32 j = 0; j < header->program_header_count; j++) {
      if (segment[j].type == ELF_LOAD && !load_segment(space, elf, &segment[j])) return false;
    }
    *start = header->entry;
    return true;
  }
  return false;
}
