/* Shared code has no Winsock (port/net.h): the headers of libevent get what they name, and nothing of
 * what posix.h names otherwise.  The files of port/windows have the real one. */
#pragma GCC system_header
#ifdef WEIR_PORT_WINDOWS_PLAIN
# include_next <winsock2.h>
#else
# ifndef WEIR_PORT_WINDOWS_INCLUDE_WINSOCK2_H
#  define WEIR_PORT_WINDOWS_INCLUDE_WINSOCK2_H
#  include <basetsd.h>
#  include <stdint.h>
#  include <sys/time.h>
struct sockaddr;
struct addrinfo;
# endif
#endif
