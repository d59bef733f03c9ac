/* weir.conf, addresses, rates. */
#include "agent/config.h"
#include "lib/folder.h"
#include "lib/tap.h"

#include <sys/stat.h>
#include <unistd.h>

static struct agent_config config;
static struct weir_error err;

static int parse(const char *text)
{
	config_default(&config);
	return config_parse(&config, text, strlen(text), &err);
}

static void test_default(void)
{
	CHECK_EQ(parse(""), 0);
	CHECK_STR(config.data, CONFIG_DATA);
	CHECK_STR(config.socket, "");
	CHECK_EQ(config.listen_count, 0);
	CHECK_EQ(config.max_body_bytes, 1024 * 1024);
}

static void test_values(void)
{
	CHECK_EQ(
		parse("# a comment\n\n  name = web-1 \r\nlisten=0.0.0.0:1\nlisten = [::]\n"
		      "socket = none\nmax-body = 64KiB\nidle-time = 5m\nrequests = 7 9\n"
		      "user = 0 viewer divert=operator\ndata = /srv/weir"),
		0);
	CHECK_STR(config.name, "web-1");
	CHECK_EQ(config.listen_count, 2);
	CHECK_STR(config.listen[0], "0.0.0.0:1");
	CHECK_STR(config.listen[1], "[::]");
	CHECK_STR(config.socket, "none");
	CHECK_EQ(config.max_body_bytes, 65536);
	CHECK_EQ(config.idle_ns, 300 * NS_PER_S);
	CHECK_EQ(config.requests_key.per_second, 7);
	CHECK_EQ(config.requests_key.burst, 9);
	CHECK_EQ(config.user_count, 1);
	CHECK_EQ(config.users[0].uid, 0);
	CHECK_EQ(grants_for(&config.users[0].grants, "divert"), ROLE_OPERATOR);
	CHECK_STR(config.data, "/srv/weir");
}

static void test_errors(void)
{
	static const struct {
		const char *text, *words;
	} all[] = {
		{ "\nnonsense = 1", "line 2: 'nonsense' is no key" },
		{ "name", "line 1: no '='" },
		{ "name = a b", "line 1: name: 'a b' is no name" },
		{ "name = a\nname = b", "line 2: 'name' a second time" },
		{ "data = here", "'here' is no absolute path" },
		{ "max-body = 12", "max-body: 12 is not within 1024" },
		{ "max-connections = many", "'many' is no whole number" },
		{ "max-connections = 1x", "'1x' is no whole number" },
		{ "requests = 1 2 3", "is no rate" },
		{ "requests = -1", "-1 is not within 0" },
		{ "listen = web1", "is no IP address" },
		{ "listen = 1.2.3.4:99999", "the port is not within" },
		{ "user = 0", "no role is given" },
		{ "user = 0 chief", "role 'chief' is none of" },
		{ "idle-time = soon", "idle-time" },
	};

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		CHECK(parse(all[i].text) < 0);
		if (!strstr(err.text, all[i].words))
			CHECK_STR(err.text, all[i].words);
	}
	config_default(&config);
	CHECK(config_parse(&config, "name = a\0b", 10, &err) < 0);
}

static void test_read(void)
{
	config_default(&config);
	CHECK_EQ(config_read(&config, "/nonexistent/weir.conf", &err), WEIR_ERR_ABSENT);
	CHECK_EQ(config_read(&config, "/dev/null", &err), 0);
}

/* Nobody else's word about who may do what. */
static void test_read_whose(void)
{
	static const char text[] = "user = 0 admin\n";
	char path[400];

	folder_make();
	(void)snprintf(path, sizeof path, "%s", folder_path("weir.conf"));
	folder_write("weir.conf", text, sizeof text - 1);
	config_default(&config);
	CHECK(!chmod(path, 0644));
	CHECK_EQ(config_read(&config, path, &err), 0);
	CHECK_EQ(config.user_count, 1);
	config_default(&config);
	CHECK(!chmod(path, 0666));
	CHECK_EQ(config_read(&config, path, &err), WEIR_ERR_PRIVILEGE);
	CHECK(strstr(err.text, "may be changed by others: its mode is 0666"));
	CHECK(!chmod(path, 0664));
	CHECK_EQ(config_read(&config, path, &err), WEIR_ERR_PRIVILEGE);
	CHECK(!chmod(path, 0644));
	if (!geteuid()) {
		CHECK(!chown(path, 65534, 65534));
		CHECK_EQ(config_read(&config, path, &err), WEIR_ERR_PRIVILEGE);
		CHECK(strstr(err.text, "belongs to user 65534"));
	}
	CHECK_EQ(config.user_count, 0);
	folder_remove();
}

static void check_address(const char *text, const char *want, unsigned want_port)
{
	char address[CONFIG_ADDRESS];
	uint16_t port;

	CHECK_EQ(address_parse(text, 99, address, &port, &err), 0);
	CHECK_STR(address, want);
	CHECK_EQ(port, want_port);
}

static void test_address(void)
{
	char address[CONFIG_ADDRESS];
	uint16_t port;

	check_address("192.0.2.1", "192.0.2.1", 99);
	check_address("192.0.2.1:5", "192.0.2.1", 5);
	check_address("localhost:7", "127.0.0.1", 7);
	check_address("2001:db8::1", "2001:db8::1", 99);
	check_address("[2001:db8::1]", "2001:db8::1", 99);
	check_address("[::]:8", "::", 8);
	CHECK(address_parse("[::1", 1, address, &port, &err) < 0);
	CHECK(address_parse("[::1]x", 1, address, &port, &err) < 0);
	CHECK(address_parse("1.2.3.4:", 1, address, &port, &err) < 0);
	CHECK(address_parse("1.2.3.4:+5", 1, address, &port, &err) < 0);
	CHECK(address_parse("", 1, address, &port, &err) < 0);
}

static void test_rate(void)
{
	struct rate r = { 10, 3 };
	struct bucket b = { 0 };
	int64_t now = 1000 * NS_PER_S;

	for (unsigned i = 0; i < 3; i++)
		CHECK(bucket_take(&b, r, now));
	CHECK(!bucket_take(&b, r, now));
	CHECK(!bucket_take(&b, r, now + 99 * NS_PER_MS));
	CHECK(bucket_take(&b, r, now + 100 * NS_PER_MS));
	CHECK(!bucket_take(&b, r, now + 100 * NS_PER_MS));
	/* A long rest gives the burst back, and no more. */
	now += 60 * NS_PER_S;
	for (unsigned i = 0; i < 3; i++)
		CHECK(bucket_take(&b, r, now));
	CHECK(!bucket_take(&b, r, now));
	r.per_second = 0;
	for (unsigned i = 0; i < 1000; i++)
		CHECK(bucket_take(&b, r, now));
}

int main(void)
{
	RUN(test_default);
	RUN(test_values);
	RUN(test_errors);
	RUN(test_read);
	RUN(test_read_whose);
	RUN(test_address);
	RUN(test_rate);
	return tap_done();
}
