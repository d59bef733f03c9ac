/* What net.c, pump.c, local.c and child.c share. */
#ifndef WEIR_PORT_WINDOWS_NET_H
#define WEIR_PORT_WINDOWS_NET_H

#include "port/net.h"
#include "port/ntfs_forms.h"
#include "port/windows/win.h"

/* Two connected sockets on loopback, made sure of to be each other's; blocking, not inherited. */
int net_pair(SOCKET ends[2], struct weir_error *err) MUST_CHECK;
void net_unblock(SOCKET s);
/* Overlapped reading and writing of a pipe, for a thread that waits: the bytes; 0 at the end. */
DWORD pipe_read(HANDLE pipe, HANDLE event, void *bytes, DWORD size);
bool pipe_write(HANDLE pipe, HANDLE event, const void *bytes, DWORD length);
bool net_write_all(SOCKET s, const char *bytes, size_t length);

/* Carries bytes until either side ends: what the pipe says to the socket, what the socket gets to the
 * pipe.  Takes both, also on failure.  The pipe is opened FILE_FLAG_OVERLAPPED. */
int pump_duplex(HANDLE pipe, SOCKET s, struct weir_error *err) MUST_CHECK;
/* The same, and returns when it is over. */
void pump_serve(HANDLE pipe, SOCKET s);
/* One direction each, with pipes that are not overlapped; takes pipe and socket, also on failure. */
int pump_from_pipe(HANDLE pipe, SOCKET s, struct weir_error *err) MUST_CHECK;
int pump_to_pipe(SOCKET s, HANDLE pipe, struct weir_error *err) MUST_CHECK;

/* Rights to the system, the administrators and our user, and to nobody else; free with LocalFree(). */
PSECURITY_DESCRIPTOR win_private_descriptor(void) MUST_CHECK;
/* The user of a token as "S-1-5-18"; false where it cannot be had. */
bool win_token_sid(HANDLE token, char *text, size_t size);
/* The user of this process. */
bool win_own_sid(char *text, size_t size);
/* The system, its administrators, or our own user. */
bool win_is_trusted_sid(PSID sid);
/* Whether an open file or folder is in their hands alone; else why not, in words. */
bool win_is_held(HANDLE h, enum ntfs_hold hold, char *why, size_t size);
/* program.c: whether they alone could change what runs when this program does: it, the files beside it, the
 * folders above; WEIR_ERR_PRIVILEGE.  The path becomes the program's own, without links on the way. */
int win_check_program(char *path, size_t size, struct weir_error *err) MUST_CHECK;

#endif
