/* Ctrl-C for commands that only read. */
#ifndef WEIR_PORT_INTERRUPT_H
#define WEIR_PORT_INTERRUPT_H

#include <signal.h>

/* The flag that is set once Ctrl-C, terminate or hang-up has come; a second one ends the process. */
const volatile sig_atomic_t *port_interrupts_catch(void);

#endif
