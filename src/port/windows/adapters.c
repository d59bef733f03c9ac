#include "port/adapters.h"

#include "base/mem.h"
#include "port/windows/win.h"

#include <iphlpapi.h>
#include <stdio.h>
#include <wchar.h>

#define LIST_BYTES (32U << 10)
#define LIST_TRIES 5
#define LOOPBACK   24 /* IF_TYPE_SOFTWARE_LOOPBACK */
#define NO_SPEED   UINT64_MAX
#define UNICAST_ONLY \
 (GAA_FLAG_SKIP_ANYCAST | GAA_FLAG_SKIP_MULTICAST | GAA_FLAG_SKIP_DNS_SERVER)

/* The list may grow between asking for its size and asking for it. */
static IP_ADAPTER_ADDRESSES *read_list(void)
{
	ULONG bytes = LIST_BYTES;

	for (unsigned i = 0; i < LIST_TRIES; i++) {
		IP_ADAPTER_ADDRESSES *list = mem_new(bytes, 1);
		ULONG error;

		if (!list)
			return NULL;
		error = GetAdaptersAddresses(AF_UNSPEC, UNICAST_ONLY, NULL, list, &bytes);
		if (!error)
			return list;
		mem_free(list);
		if (error != ERROR_BUFFER_OVERFLOW)
			return NULL;
	}
	return NULL;
}

static void copy(char *out, size_t size, const wchar_t *text)
{
	char *utf8 = text ? win_text(text, wcslen(text)) : NULL;

	(void)snprintf(out, size, "%s", utf8 ? utf8 : "");
	mem_free(utf8);
}

static void add_address(struct adapter *a, const IP_ADAPTER_UNICAST_ADDRESS *u)
{
	const struct sockaddr *socket = u->Address.lpSockaddr;
	struct adapter_address *to = &a->addresses[a->address_count];
	struct sockaddr_in four;
	struct sockaddr_in6 six;

	if (a->address_count == ADAPTER_ADDRESSES)
		return;
	to->prefix = u->OnLinkPrefixLength;
	if (socket->sa_family == AF_INET) {
		memcpy(&four, socket, sizeof four);
		memcpy(to->bytes, &four.sin_addr, 4);
		to->family = 4;
	} else if (socket->sa_family == AF_INET6) {
		memcpy(&six, socket, sizeof six);
		memcpy(to->bytes, &six.sin6_addr, 16);
		to->family = 6;
	} else {
		return;
	}
	a->address_count++;
}

static void fill(struct adapter *a, const IP_ADAPTER_ADDRESSES *from)
{
	memset(a, 0, sizeof *a);
	a->index = from->IfIndex ? from->IfIndex : from->Ipv6IfIndex;
	copy(a->name, sizeof a->name, from->FriendlyName);
	copy(a->description, sizeof a->description, from->Description);
	a->has_mac = from->PhysicalAddressLength == sizeof a->mac;
	if (a->has_mac)
		memcpy(a->mac, from->PhysicalAddress, sizeof a->mac);
	a->is_loopback = from->IfType == LOOPBACK;
	a->is_up = from->OperStatus == IfOperStatusUp;
	a->mtu = from->Mtu;
	a->speed_bps = from->TransmitLinkSpeed == NO_SPEED ? 0 : from->TransmitLinkSpeed;
	for (const IP_ADAPTER_UNICAST_ADDRESS *u = from->FirstUnicastAddress; u;
	     u = u->Next)
		add_address(a, u);
}

static bool is_it(const IP_ADAPTER_ADDRESSES *a, uint32_t index, const char *name)
{
	char text[64];

	if (index)
		return a->IfIndex == index || a->Ipv6IfIndex == index;
	copy(text, sizeof text, a->FriendlyName);
	return !_stricmp(text, name);
}

bool adapter_find(struct adapter *a, uint32_t index, const char *name)
{
	IP_ADAPTER_ADDRESSES *list = read_list();
	bool is_found = false;

	for (IP_ADAPTER_ADDRESSES *at = list; at && !is_found; at = at->Next) {
		is_found = is_it(at, index, name);
		if (is_found)
			fill(a, at);
	}
	mem_free(list);
	return is_found;
}
