/* A process between the agent and a plugin.  What the plugin starts and leaves alone becomes this one's child,
 * in whichever session it is, and is killed once the plugin has ended; then the keeper ends as the plugin did.
 *
 * Calling sequence, in a process that was forked for it: keeper_begin(); fork the plugin; keeper_run().  From
 * outside: KEEPER_KILL kills the plugin; SIGTERM, which also comes when whoever began the keeper ends, asks it
 * to end and kills it after ten seconds.  The plugin asks the kernel to be killed where its keeper is gone.
 *
 * It hears nobody and has no descriptor.  Its limits: what forks and ends faster than a look at its children and
 * a signal can go on doing so; after KEEPER_PATIENCE_MS it is left. */
#ifndef WEIR_PORT_LINUX_KEEPER_H
#define WEIR_PORT_LINUX_KEEPER_H

#include "base/compiler.h"

#include <signal.h>
#include <sys/types.h>

#define KEEPER_KILL SIGUSR1

enum {
	KEEPER_PATIENCE_MS = 5000
};

/* Signals are as a program expects them, but for those of the keeper, which wait. */
void keeper_begin(void);
NO_RETURN void keeper_run(pid_t plugin);

#endif
