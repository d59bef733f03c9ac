/* Traffic of real sockets, for bench/attribution.py.
 *
 * usage: bench-sockets flows ADDRESS PORT SOCKETS PACKETS_A_SECOND SECONDS BYTES
 *        bench-sockets bursts ADDRESS PORT SOCKETS PACKETS_A_SECOND
 *        bench-sockets cycles COUNT [ADDRESS NETNS]
 *        bench-sockets server
 *        bench-sockets tuples ADDRESS COUNT PACKETS_A_SECOND
 *
 * cycles: connections made and closed with a word each, on loopback, or to a server in another namespace (a path).
 * server: the other end alone, on loopback; prints its port, and serves until it is ended.
 * flows: connected UDP sockets in turn, so many bytes a packet.  bursts: the same, when told to: each line of
 * standard input is PACKETS BYTES.  tuples: one UDP socket, each packet to another address (from ADDRESS on)
 * or port.  Prints a JSON line with what was done. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BURST 100
#define MOST  1472
#define PORTS 50000

static double now_s(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int connected(int type, const char *address, const char *port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)strtoul(port, NULL, 10)) };
	int s = socket(AF_INET, type, 0);

	(void)inet_pton(AF_INET, address, &to.sin_addr);
	if (s < 0 || connect(s, (struct sockaddr *)&to, sizeof to)) {
		perror("connect");
		_exit(3);
	}
	return s;
}

static int *open_sockets(char **words)
{
	int count = (int)strtol(words[2], NULL, 10),
	    *sockets = calloc((size_t)count, sizeof *sockets);
	struct rlimit files = { 4096, 4096 };

	(void)setrlimit(RLIMIT_NOFILE, &files);
	for (int i = 0; i < count; i++)
		sockets[i] = connected(SOCK_DGRAM, words[0], words[1]);
	return sockets;
}

static void burst(const int *sockets, int count, double rate, long total, size_t bytes)
{
	static char payload[MOST];
	double start = now_s();

	for (long sent = 0; sent < total;) {
		double ahead = start + (double)sent / rate - now_s();

		if (ahead > 0)
			(void)usleep((useconds_t)(ahead * 1e6));
		for (int i = 0; i < BURST && sent < total; i++, sent++)
			(void)send(sockets[sent % count], payload,
				   bytes < MOST ? bytes : MOST, 0);
	}
	(void)printf("{\"sent\":%ld,\"wall_s\":%.3f}\n", total, now_s() - start);
	(void)fflush(stdout);
}

static int flows(char **words)
{
	const int *sockets = open_sockets(words);
	double rate = atof(words[3]);

	burst(sockets, (int)strtol(words[2], NULL, 10), rate,
	      (long)(rate * atof(words[4])), strtoul(words[5], NULL, 10));
	return 0;
}

static int bursts(char **words)
{
	const int *sockets = open_sockets(words);
	char line[64];

	(void)printf("{\"ready\":true}\n");
	(void)fflush(stdout);
	while (fgets(line, sizeof line, stdin)) {
		char *bytes;
		long total = strtol(line, &bytes, 10);

		burst(sockets, (int)strtol(words[2], NULL, 10), atof(words[3]), total,
		      strtoul(bytes, NULL, 10));
	}
	return 0;
}

static int tuples(char **words)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	long sent, count = strtol(words[1], NULL, 10);
	double rate = atof(words[2]), start = now_s();
	int s = socket(AF_INET, SOCK_DGRAM, 0);
	char payload[64] = "";
	in_addr_t first;

	(void)inet_pton(AF_INET, words[0], &to.sin_addr);
	first = ntohl(to.sin_addr.s_addr);
	for (sent = 0; sent < count; sent++) {
		double ahead = start + (double)sent / rate - now_s();

		if (sent % BURST == 0 && ahead > 0)
			(void)usleep((useconds_t)(ahead * 1e6));
		to.sin_addr.s_addr = htonl(first + (in_addr_t)(sent / PORTS));
		to.sin_port = htons((uint16_t)(1024 + sent % PORTS));
		if (sendto(s, payload, sizeof payload, 0, (struct sockaddr *)&to,
			   sizeof to) < 0) {
			perror("sendto");
			return 3;
		}
	}
	(void)printf("{\"sent\":%ld,\"wall_s\":%.3f}\n", sent, now_s() - start);
	return 0;
}

static double cpu_s(int who)
{
	struct rusage u;

	(void)getrusage(who, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void serve(int listener)
{
	char word[16];

	for (;;) {
		int s = accept(listener, NULL, NULL);

		if (s < 0)
			_exit(0);
		while (read(s, word, sizeof word) > 0)
			if (write(s, word, 1) != 1)
				break;
		(void)close(s);
	}
}

/* The listener of a server, in this namespace or in another one; tells its port. */
static int listener_at(const char *address, const char *netns, int tell)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t length = sizeof at;
	int listener, space = netns ? open(netns, O_RDONLY | O_CLOEXEC) : -1;

	if (netns && (space < 0 || setns(space, CLONE_NEWNET)))
		return -1;
	(void)inet_pton(AF_INET, address, &at.sin_addr);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 64) ||
	    getsockname(listener, (struct sockaddr *)&at, &length) ||
	    write(tell, &at.sin_port, sizeof at.sin_port) != sizeof at.sin_port)
		return -1;
	return listener;
}

static int cycles(int count, const char *address, const char *netns)
{
	char port[16], word[16];
	double start, wall, before;
	in_port_t told = 0;
	pid_t server;
	int ends[2];

	if (pipe(ends))
		return 3;
	server = fork();
	if (!server)
		serve(listener_at(address, netns, ends[1]));
	(void)close(ends[1]);
	if (read(ends[0], &told, sizeof told) != sizeof told) {
		(void)fprintf(stderr, "no server at %s\n", address);
		return 3;
	}
	(void)snprintf(port, sizeof port, "%u", ntohs(told));
	before = cpu_s(RUSAGE_SELF);
	start = now_s();
	for (int i = 0; i < count; i++) {
		/* Reset at the end: no ports wait for anything. */
		struct linger now = { 1, 0 };
		int s = connected(SOCK_STREAM, address, port);

		(void)setsockopt(s, SOL_SOCKET, SO_LINGER, &now, sizeof now);
		if (write(s, "x", 1) != 1 || read(s, word, sizeof word) != 1)
			perror("a word");
		(void)close(s);
	}
	wall = now_s() - start;
	(void)kill(server, SIGKILL);
	(void)waitpid(server, NULL, 0);
	(void)printf("{\"cycles\":%d,\"wall_s\":%.4f,\"cpu_s\":%.4f}\n", count, wall,
		     cpu_s(RUSAGE_SELF) - before + cpu_s(RUSAGE_CHILDREN));
	return 0;
}

static int server(void)
{
	in_port_t port = 0;
	int listener, told[2];

	if (pipe(told))
		return 3;
	listener = listener_at("127.0.0.1", NULL, told[1]);
	if (listener < 0 || read(told[0], &port, sizeof port) != sizeof port)
		return 3;
	(void)printf("%u\n", ntohs(port));
	(void)fflush(stdout);
	serve(listener);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "server"))
		return server();
	if (argc == 8 && !strcmp(argv[1], "flows"))
		return flows(argv + 2);
	if (argc == 6 && !strcmp(argv[1], "bursts"))
		return bursts(argv + 2);
	if (argc == 5 && !strcmp(argv[1], "tuples"))
		return tuples(argv + 2);
	if ((argc == 3 || argc == 5) && !strcmp(argv[1], "cycles"))
		return cycles((int)strtol(argv[2], NULL, 10),
			      argc == 5 ? argv[3] : "127.0.0.1",
			      argc == 5 ? argv[4] : NULL);
	(void)fprintf(stderr,
		      "usage: bench-sockets flows|bursts|cycles|server|tuples ...\n");
	return 2;
}
