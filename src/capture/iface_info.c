#include "capture/iface_info.h"

#include "capture/frame.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define MBIT UINT64_C(1000000)

void mac_format(const uint8_t mac[6], char text[MAC_TEXT])
{
	(void)snprintf(text, MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1],
		       mac[2], mac[3], mac[4], mac[5]);
}

static void name_request(struct ifreq *q, const struct iface_info *info)
{
	memset(q, 0, sizeof *q);
	(void)snprintf(q->ifr_name, sizeof q->ifr_name, "%.*s", IFNAMSIZ - 1, info->name);
}

static bool is_zero(const uint8_t *mac)
{
	static const uint8_t none[6];

	return !memcmp(mac, none, sizeof none);
}

static void read_hardware(int fd, struct iface_info *info)
{
	struct ifreq q;

	name_request(&q, info);
	if (!ioctl(fd, SIOCGIFHWADDR, &q)) {
		memcpy(info->mac, q.ifr_hwaddr.sa_data, sizeof info->mac);
		info->has_mac =
			info->linktype == LINKTYPE_ETHERNET && !is_zero(info->mac);
	}
	name_request(&q, info);
	if (!ioctl(fd, SIOCGIFMTU, &q) && q.ifr_mtu > 0)
		info->mtu = (uint32_t)q.ifr_mtu;
}

static void read_driver(int fd, struct iface_info *info)
{
	struct ethtool_drvinfo driver = { .cmd = ETHTOOL_GDRVINFO };
	struct ifreq q;

	name_request(&q, info);
	q.ifr_data = (void *)&driver;
	if (!ioctl(fd, SIOCETHTOOL, &q))
		(void)snprintf(info->hardware, sizeof info->hardware, "%.28s%s%.31s",
			       driver.driver, driver.bus_info[0] ? " at " : "",
			       driver.bus_info);
}

/* The first call tells how many words of link modes the kernel has, as a negative number; the
 * second one, with that number, tells the rest. */
static void read_speed(int fd, struct iface_info *info)
{
	union {
		struct ethtool_link_settings s;
		/* Three masks of at most 127 words follow. */
		uint8_t room[sizeof(struct ethtool_link_settings) + 3 * 127 * 4];
	} link = { .s = { .cmd = ETHTOOL_GLINKSETTINGS } };
	struct ifreq q;

	name_request(&q, info);
	q.ifr_data = (void *)&link;
	if (ioctl(fd, SIOCETHTOOL, &q) || link.s.link_mode_masks_nwords >= 0)
		return;
	link.s.link_mode_masks_nwords = (int8_t)-link.s.link_mode_masks_nwords;
	link.s.cmd = ETHTOOL_GLINKSETTINGS;
	if (!ioctl(fd, SIOCETHTOOL, &q) && link.s.speed != UINT32_MAX)
		info->speed_bps = link.s.speed * MBIT;
}

static uint8_t count_bits(const uint8_t *mask, size_t n)
{
	unsigned bits = 0;

	for (size_t i = 0; i < n; i++)
		bits += (unsigned)__builtin_popcount(mask[i]);
	return (uint8_t)bits;
}

/* The address within a socket address, n bytes. */
static const uint8_t *address_bytes(const struct sockaddr *a, size_t *n)
{
	const void *any = a;

	*n = a->sa_family == AF_INET ? 4 : 16;
	return a->sa_family == AF_INET
		       ? (const uint8_t *)&((const struct sockaddr_in *)any)->sin_addr
		       : (const uint8_t *)&((const struct sockaddr_in6 *)any)->sin6_addr;
}

static void add_address(struct iface_info *info, const struct ifaddrs *a)
{
	struct iface_addr *to = &info->addrs[info->addr_count];
	const uint8_t *bytes;
	size_t n;

	if (info->addr_count == IFACE_ADDRS)
		return;
	bytes = address_bytes(a->ifa_addr, &n);
	*to = (struct iface_addr){ .family = n == 4 ? 4 : 6, .prefix = (uint8_t)(8 * n) };
	memcpy(to->bytes, bytes, n);
	if (a->ifa_netmask && a->ifa_netmask->sa_family == a->ifa_addr->sa_family)
		to->prefix = count_bits(address_bytes(a->ifa_netmask, &n), n);
	info->addr_count++;
}

static void read_addresses(struct iface_info *info)
{
	struct ifaddrs *all;

	if (getifaddrs(&all))
		return;
	for (const struct ifaddrs *a = all; a; a = a->ifa_next) {
		if (!a->ifa_addr || strcmp(a->ifa_name, info->name) != 0)
			continue;
		if (a->ifa_addr->sa_family == AF_INET ||
		    a->ifa_addr->sa_family == AF_INET6)
			add_address(info, a);
	}
	freeifaddrs(all);
}

bool iface_info_read(struct iface_info *info, uint32_t index, uint16_t hatype)
{
	bool is_there;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq q = { .ifr_ifindex = (int)index };

	memset(info, 0, sizeof *info);
	info->index = index;
	(void)frame_form(hatype, &info->linktype);
	is_there = fd >= 0 && !ioctl(fd, SIOCGIFNAME, &q);
	if (is_there) {
		(void)snprintf(info->name, sizeof info->name, "%s", q.ifr_name);
		read_hardware(fd, info);
		read_driver(fd, info);
		read_speed(fd, info);
		read_addresses(info);
	} else {
		(void)snprintf(info->name, sizeof info->name, "if%u", (unsigned)index);
	}
	if (fd >= 0)
		(void)close(fd);
	return is_there;
}
