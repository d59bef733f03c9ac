/* A process with a TCP connection of its own: prints its id and the two ports, and stays until its
 * standard input ends.  (wine knows whose a socket is only once its process has sent on it.) */
#include "port/windows/win.h"

#include <stdio.h>

static SOCKET listen_on(struct sockaddr_in *at)
{
	SOCKET s = socket(AF_INET, SOCK_STREAM, 0);
	int size = sizeof *at;

	*at = (struct sockaddr_in){ .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (bind(s, (const void *)at, sizeof *at) || listen(s, 1) ||
	    getsockname(s, (void *)at, &size))
		return INVALID_SOCKET;
	return s;
}

int wmain(void);

int wmain(void)
{
	struct sockaddr_in there, here;
	int size = sizeof here;
	SOCKET listening, connected;
	WSADATA data;

	if (WSAStartup(MAKEWORD(2, 2), &data))
		return 3;
	listening = listen_on(&there);
	connected = socket(AF_INET, SOCK_STREAM, 0);
	if (listening == INVALID_SOCKET || connected == INVALID_SOCKET ||
	    connect(connected, (const void *)&there, sizeof there) ||
	    getsockname(connected, (void *)&here, &size) ||
	    send(connected, "x", 1, 0) != 1)
		return 3;
	printf("%lu %u %u\n", GetCurrentProcessId(), ntohs(here.sin_port),
	       ntohs(there.sin_port));
	(void)fflush(stdout);
	while (getchar() != EOF)
		;
	return 0;
}
