/** How interrupts are wired on the board, for the board itself and for the tables that tell of it. */

export const LOCAL_APIC_ADDRESS = 0xfee00000;
export const IO_APIC_ADDRESS = 0xfec00000;
/** The processor's APIC has ID 0. */
export const PROCESSOR_APIC_ID = 0;
export const IO_APIC_ID = 1;

/** INTR of the 8259A pair. */
export const EXT_INT_PIN = 0;
const TIMER_IRQ = 0;
export const TIMER_PIN = 2;

/** ISA interrupts; 2 is the cascade of the 8259A pair. */
export const ISA_IRQS = [0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15] as const;
/** The system control interrupt of ACPI, level-triggered and active high. */
export const SCI_IRQ = 9;

/** Pin of the I/O APIC that an ISA interrupt is wired to: its own number, but for the timer's, whose place INTR has. */
export function pinOf(irq: number): number {
  return irq === TIMER_IRQ ? TIMER_PIN : irq;
}
