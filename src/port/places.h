/* Where things lie on this system, and whose they are.
 *
 * Errors: negative enum weir_err.  Threads: any. */
#ifndef WEIR_PORT_PLACES_H
#define WEIR_PORT_PLACES_H

#include "port/port.h"

#ifdef _WIN32
# define PLACE_CONFIG  "C:/ProgramData/weir/weir.conf"
# define PLACE_DATA    "C:/ProgramData/weir"
# define PLACE_DOOR    "\\\\.\\pipe\\weir-agent"
# define PLACE_KIND    "pipe" /* what a door of the machine itself is */
# define PLACE_CONTROL "%APPDATA%/weir"
# define PLACE_START   "C:/" /* the directory of a session that has chosen none */
#else
# define PLACE_CONFIG  "/etc/weir/weir.conf"
# define PLACE_DATA    "/var/lib/weir"
# define PLACE_DOOR    "/run/weir/agent.sock"
# define PLACE_KIND    "unix"
# define PLACE_CONTROL "~/.config/weir"
# define PLACE_START   "/"
#endif

/* Means the same whatever the working directory; on Windows also "\\server\share" and what begins
 * with a separator. */
bool port_path_is_absolute(const char *path);
/* This program's file. */
int port_program_path(char *path, size_t size, struct weir_error *err) MUST_CHECK;
/* The system's own name of a directory, links resolved, into the same room. */
int port_directory_name(char *path, size_t size, struct weir_error *err) MUST_CHECK;
/* PLACE_CONTROL, expanded. */
int port_control_home(char *path, size_t size, struct weir_error *err) MUST_CHECK;

/* mkdir(path, 0700); on Windows its rights, which what is made in it inherits, are the system's and the
 * administrators'; our user's where he is none, or with for_user.  0, or -1 and errno. */
int port_private_directory(const char *path, bool for_user) MUST_CHECK;
/* Makes the directory where it is missing (not its parents), gives it the mode, and, where owner is
 * not NULL, to that user.  On Windows the mode says nothing: what is made is as port_private_directory()
 * makes it, and what was there keeps its rights.  WEIR_ERR_PRIVILEGE where it was there and, owner being
 * NULL, belongs to another user than root and us; on Windows, where others may change it. */
int port_directory_make(const char *path, unsigned mode, const struct port_user *owner,
			struct weir_error *err) MUST_CHECK;
/* Whether nobody but we and the system's administrators could have written the open file or
 * directory; else why not, in words. */
bool port_is_ours(int fd, char *why, size_t size);
/* The same of a directory, and on Windows, where new files have its rights and no mode, that nobody else
 * may read them. */
bool port_is_private(int fd, char *why, size_t size);
/* Opens a regular file to read; what is something else is not opened even for a moment, so that no writer of a
 * FIFO wakes and no device moves.  No link is followed, no access time changed where that can be had.  -1
 * and errno; EINVAL where it is no regular file, ELOOP where it is a link. */
int port_open_regular(const char *path) MUST_CHECK;
/* We may do everything, and can become other users. */
bool port_is_root(void);
/* "NAME=value" that every child needs beside its own; NULL-terminated; lent. */
const char *const *port_plain_environment(void);

#endif
