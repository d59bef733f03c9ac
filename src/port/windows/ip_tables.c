#include "port/ip_tables.h"

#include "base/mem.h"
#include "port/windows/win.h"

#include <iphlpapi.h>

/* process/iphelper.c reads rows by these. */
_Static_assert(sizeof(MIB_TCPROW_OWNER_MODULE) == 160 &&
		       offsetof(MIB_TCPTABLE_OWNER_MODULE, table) == 8 &&
		       offsetof(MIB_TCPROW_OWNER_MODULE, dwOwningPid) == 20 &&
		       offsetof(MIB_TCPROW_OWNER_MODULE, liCreateTimestamp) == 24,
	       "TCP of IPv4 with modules");
_Static_assert(sizeof(MIB_TCP6ROW_OWNER_MODULE) == 192 &&
		       offsetof(MIB_TCP6TABLE_OWNER_MODULE, table) == 8 &&
		       offsetof(MIB_TCP6ROW_OWNER_MODULE, dwRemotePort) == 44 &&
		       offsetof(MIB_TCP6ROW_OWNER_MODULE, dwState) == 48 &&
		       offsetof(MIB_TCP6ROW_OWNER_MODULE, dwOwningPid) == 52 &&
		       offsetof(MIB_TCP6ROW_OWNER_MODULE, liCreateTimestamp) == 56,
	       "TCP of IPv6 with modules");
_Static_assert(sizeof(MIB_UDPROW_OWNER_MODULE) == 160 &&
		       offsetof(MIB_UDPTABLE_OWNER_MODULE, table) == 8 &&
		       offsetof(MIB_UDPROW_OWNER_MODULE, liCreateTimestamp) == 16,
	       "UDP of IPv4 with modules");
_Static_assert(sizeof(MIB_UDP6ROW_OWNER_MODULE) == 176 &&
		       offsetof(MIB_UDP6TABLE_OWNER_MODULE, table) == 8 &&
		       offsetof(MIB_UDP6ROW_OWNER_MODULE, liCreateTimestamp) == 32,
	       "UDP of IPv6 with modules");
_Static_assert(sizeof(MIB_TCPROW_OWNER_PID) == 24 &&
		       sizeof(MIB_TCP6ROW_OWNER_PID) == 56 &&
		       sizeof(MIB_UDPROW_OWNER_PID) == 12 &&
		       sizeof(MIB_UDP6ROW_OWNER_PID) == 28,
	       "rows with process ids");

/* Tables grow between asking for their size and for them. */
#define SLACK_BYTES 16384
#define TRIES       5
#define MOST_BYTES  (64U << 20)

static const struct {
	bool is_tcp;
	ULONG family;
	int table_class;
	const char *name;
} tables[IP_TABLES] = {
	[IP_TABLE_TCP_MODULE] = { true, AF_INET, TCP_TABLE_OWNER_MODULE_ALL, "TCP" },
	[IP_TABLE_TCP6_MODULE] = { true, AF_INET6, TCP_TABLE_OWNER_MODULE_ALL,
				   "TCP of IPv6" },
	[IP_TABLE_UDP_MODULE] = { false, AF_INET, UDP_TABLE_OWNER_MODULE, "UDP" },
	[IP_TABLE_UDP6_MODULE] = { false, AF_INET6, UDP_TABLE_OWNER_MODULE,
				   "UDP of IPv6" },
	[IP_TABLE_TCP_PID] = { true, AF_INET, TCP_TABLE_OWNER_PID_ALL, "TCP" },
	[IP_TABLE_TCP6_PID] = { true, AF_INET6, TCP_TABLE_OWNER_PID_ALL, "TCP of IPv6" },
	[IP_TABLE_UDP_PID] = { false, AF_INET, UDP_TABLE_OWNER_PID, "UDP" },
	[IP_TABLE_UDP6_PID] = { false, AF_INET6, UDP_TABLE_OWNER_PID, "UDP of IPv6" },
};

static DWORD ask(enum ip_table t, void *bytes, DWORD *size)
{
	if (tables[t].is_tcp)
		return GetExtendedTcpTable(bytes, size, FALSE, tables[t].family,
					   (TCP_TABLE_CLASS)tables[t].table_class, 0);
	return GetExtendedUdpTable(bytes, size, FALSE, tables[t].family,
				   (UDP_TABLE_CLASS)tables[t].table_class, 0);
}

/* The error of Windows. */
static DWORD read_table(enum ip_table t, ip_table_visit visit, void *arg)
{
	DWORD size = 0, error = ask(t, NULL, &size);

	for (unsigned i = 0; i < TRIES && error == ERROR_INSUFFICIENT_BUFFER; i++) {
		DWORD room = size + SLACK_BYTES;
		/* In words: the rows hold numbers of 64 bits. */
		uint64_t *bytes = room <= MOST_BYTES ? mem_new(room / 8 + 1, 8) : NULL;

		if (!bytes)
			return ERROR_NOT_ENOUGH_MEMORY;
		size = room;
		error = ask(t, bytes, &size);
		if (!error)
			visit(arg, t, bytes, size < room ? size : room);
		mem_free(bytes);
	}
	return error;
}

int port_socket_tables(ip_table_visit visit, void *arg, struct weir_error *err)
{
	int rc = 0;

	for (unsigned i = IP_TABLE_TCP_MODULE; i < IP_TABLE_TCP_PID; i++) {
		DWORD error = read_table((enum ip_table)i, visit, arg);

		if (error)
			error = read_table((enum ip_table)(i + IP_TABLE_TCP_PID), visit,
					   arg);
		if (error)
			rc = err_set(err, WEIR_ERR_SYSTEM,
				     "cannot read the table of %s sockets: error %lu of "
				     "Windows",
				     tables[i].name, error);
	}
	return rc;
}

static void visit_addresses(const IP_ADAPTER_ADDRESSES *adapter, ip_address_visit visit,
			    void *arg)
{
	for (; adapter; adapter = adapter->Next)
		for (const IP_ADAPTER_UNICAST_ADDRESS *u = adapter->FirstUnicastAddress;
		     u; u = u->Next) {
			const void *s = u->Address.lpSockaddr;
			const struct sockaddr_in *v4 = s;
			const struct sockaddr_in6 *v6 = s;

			if (u->Address.lpSockaddr->sa_family == AF_INET)
				visit(arg, (const uint8_t *)&v4->sin_addr, 4);
			else if (u->Address.lpSockaddr->sa_family == AF_INET6)
				visit(arg, (const uint8_t *)&v6->sin6_addr, 16);
		}
}

int port_addresses(ip_address_visit visit, void *arg, struct weir_error *err)
{
	const ULONG flags = GAA_FLAG_SKIP_ANYCAST | GAA_FLAG_SKIP_MULTICAST |
			    GAA_FLAG_SKIP_DNS_SERVER | GAA_FLAG_SKIP_FRIENDLY_NAME;
	ULONG size = SLACK_BYTES, error = ERROR_BUFFER_OVERFLOW;

	for (unsigned i = 0; i < TRIES && error == ERROR_BUFFER_OVERFLOW; i++) {
		ULONG room = size + SLACK_BYTES;
		uint64_t *bytes = room <= MOST_BYTES ? mem_new(room / 8 + 1, 8) : NULL;

		if (!bytes)
			return err_set(err, WEIR_ERR_NO_MEMORY,
				       "no memory for addresses");
		size = room;
		error = GetAdaptersAddresses(AF_UNSPEC, flags, NULL, (void *)bytes,
					     &size);
		if (!error)
			visit_addresses((const void *)bytes, visit, arg);
		mem_free(bytes);
	}
	/* A machine without any. */
	if (!error || error == ERROR_NO_DATA || error == ERROR_ADDRESS_NOT_ASSOCIATED)
		return 0;
	return err_set(err, WEIR_ERR_SYSTEM,
		       "cannot read this machine's addresses: error %lu of Windows",
		       error);
}
