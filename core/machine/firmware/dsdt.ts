import {
  busNumbers,
  device,
  eisaId,
  integer,
  irq,
  memoryRange,
  name,
  pack,
  portRange,
  ports,
  resources,
  scope,
} from './aml.ts';
import { bytes, type Part } from './bytes.ts';

/** What the differentiated description table says of the board, as AML. */

/** PCI devices would have their memory from here up to the I/O APIC: above all RAM. */
const PCI_MEMORY = 0xe0000000;
const PCI_MEMORY_END = 0xfebfffff;

function isaDevice(target: string, id: string, ...descriptors: readonly (readonly Part[])[]): readonly Part[] {
  return device(target, name('_HID', eisaId(id)), name('_CRS', resources(...descriptors)));
}

/** Soft off is sleep type 0 in both control registers, of which there is one. */
const softOff = name('\\_S5', pack(integer(0), integer(0), integer(0), integer(0)));

const hostBridge = device(
  'PCI0',
  name('_HID', eisaId('PNP0A03')),
  name('_UID', integer(0)),
  name(
    '_CRS',
    resources(
      busNumbers(0, 0),
      ports(0xcf8, 8),
      portRange(0, 0xcf7),
      portRange(0xd00, 0xffff),
      memoryRange(0xa0000, 0xbffff),
      memoryRange(PCI_MEMORY, PCI_MEMORY_END),
    ),
  ),
  isaDevice('PIC', 'PNP0000', ports(0x20, 2), ports(0xa0, 2), ports(0x4d0, 2), irq(2)),
  isaDevice('TMR', 'PNP0100', ports(0x40, 4), irq(0)),
  isaDevice('DMA', 'PNP0200', ports(0x00, 16), ports(0x81, 15), ports(0xc0, 32)),
  isaDevice('RTC', 'PNP0B00', ports(0x70, 2), irq(8)),
  isaDevice('KBD', 'PNP0303', ports(0x60, 1), ports(0x64, 1), irq(1)),
  isaDevice('MOU', 'PNP0F13', irq(12)),
  device(
    'COM1',
    name('_HID', eisaId('PNP0501')),
    name('_UID', integer(1)),
    name('_CRS', resources(ports(0x3f8, 8), irq(4))),
  ),
);

export const DSDT_AML: Uint8Array = bytes(softOff, scope('\\_SB', hostBridge));
