/* How many threads want to run at this instant.
 *
 *	load_open()       while all files may be opened; -1 where the system does not tell
 *	load_runnable()   the caller included; 0: not known
 *
 * Source: /proc/loadavg, proc(5): "0.05 0.03 0.00 2/181 4711", two threads want to run now.
 * load_none.c is for systems that do not tell. */
#ifndef WEIR_CAPTURE_LOAD_H
#define WEIR_CAPTURE_LOAD_H

int load_open(void);
void load_close(int fd);
unsigned load_runnable(int fd);

#endif
