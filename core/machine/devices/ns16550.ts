/** The register bits of a National NS16550AF (datasheet TL/C/8652), and how a PC names them. */

/** Interrupt enables. */
export const ERBFI = 0x01;
export const ETBEI = 0x02;
export const ELSI = 0x04;
export const EDSSI = 0x08;
/** Interrupt identification, highest priority first. */
export const IIR_LINE_STATUS = 0x06;
export const IIR_RECEIVED = 0x04;
export const IIR_TIMEOUT = 0x0c;
export const IIR_THR_EMPTY = 0x02;
export const IIR_MODEM_STATUS = 0x00;
export const IIR_NONE = 0x01;
export const IIR_FIFOS = 0xc0;
/** FIFO control. */
export const FCR_ENABLE = 0x01;
export const FCR_CLEAR_RECEIVER = 0x02;
export const FCR_CLEAR_TRANSMITTER = 0x04;
export const TRIGGERS: readonly number[] = [1, 4, 8, 14];
/** Line control. */
export const LCR_LENGTH = 0x03;
export const LCR_STOP = 0x04;
export const LCR_PARITY = 0x08;
export const LCR_DLAB = 0x80;
/** Modem control. */
export const MCR_DTR = 0x01;
export const MCR_RTS = 0x02;
export const MCR_OUT1 = 0x04;
export const MCR_OUT2 = 0x08;
export const MCR_LOOP = 0x10;
export const MCR_WRITABLE = 0x1f;
/** Line status. */
export const LSR_DATA_READY = 0x01;
export const LSR_OVERRUN = 0x02;
export const LSR_THRE = 0x20;
export const LSR_TEMT = 0x40;
/** Modem status: the inputs, and below each the bit that says it has changed. */
export const MSR_CTS = 0x10;
export const MSR_DSR = 0x20;
export const MSR_RI = 0x40;
export const MSR_DCD = 0x80;
export const MSR_DELTA_RI = 0x04;
/** A terminal that is there and ready. */
export const TERMINAL = MSR_CTS | MSR_DSR | MSR_DCD;
