#include "base/time.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <strings.h>

/* Days since 1970-01-01 of a date in the proleptic Gregorian calendar, and back: years are
 * counted from March so that the leap day is the last of a year, in eras of 400 years. */
static int64_t days_of_date(int64_t year, unsigned month, unsigned day)
{
	int64_t era;
	unsigned year_of_era, day_of_year;

	year -= month <= 2;
	era = (year >= 0 ? year : year - 399) / 400;
	year_of_era = (unsigned)(year - era * 400);
	day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
	       day_of_year - 719468;
}

static void date_of_days(int64_t days, int64_t *year, unsigned *month, unsigned *day)
{
	int64_t era;
	unsigned day_of_era, year_of_era, day_of_year, mp;

	days += 719468;
	era = (days >= 0 ? days : days - 146096) / 146097;
	day_of_era = (unsigned)(days - era * 146097);
	year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 -
		       day_of_era / 146096) /
		      365;
	day_of_year =
		day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	mp = (5 * day_of_year + 2) / 153;
	*day = day_of_year - (153 * mp + 2) / 5 + 1;
	*month = mp < 10 ? mp + 3 : mp - 9;
	*year = year_of_era + era * 400 + (*month <= 2);
}

void time_format(int64_t ns, char text[TIME_TEXT])
{
	int64_t seconds = ns / NS_PER_S, rest = ns % NS_PER_S, days, year;
	unsigned month, day, second;

	if (rest < 0) {
		rest += NS_PER_S;
		seconds--;
	}
	days = seconds / 86400;
	if (seconds % 86400 < 0)
		days--;
	second = (unsigned)(seconds - days * 86400);
	date_of_days(days, &year, &month, &day);
	(void)snprintf(text, TIME_TEXT,
		       "%04" PRId64 "-%02u-%02uT%02u:%02u:%02u.%09" PRId64 "Z", year,
		       month, day, second / 3600, second / 60 % 60, second % 60, rest);
}

/* Reads exactly `digits` decimal digits; moves *p behind them. */
static bool read_digits(const char **p, unsigned digits, unsigned *value)
{
	unsigned v = 0;

	for (unsigned i = 0; i < digits; i++, (*p)++) {
		if (!isdigit((unsigned char)**p))
			return false;
		v = v * 10 + (unsigned)(**p - '0');
	}
	*value = v;
	return true;
}

/* ".123" to nanoseconds; digits beyond the ninth are dropped. */
static bool read_fraction(const char **p, int64_t *ns)
{
	int64_t unit = NS_PER_S / 10;

	*ns = 0;
	if (**p != '.' && **p != ',')
		return true;
	(*p)++;
	if (!isdigit((unsigned char)**p))
		return false;
	for (; isdigit((unsigned char)**p); (*p)++, unit /= 10)
		*ns += (**p - '0') * unit;
	return true;
}

static bool read_zone(const char **p, int64_t *seconds)
{
	unsigned h, m;
	int sign = **p == '-' ? -1 : 1;

	*seconds = 0;
	if (**p == 'Z' || **p == 'z') {
		(*p)++;
		return true;
	}
	if (**p != '+' && **p != '-')
		return true;
	(*p)++;
	if (!read_digits(p, 2, &h))
		return false;
	if (**p == ':')
		(*p)++;
	if (!read_digits(p, 2, &m) || h > 14 || m > 59)
		return false;
	*seconds = sign * ((int64_t)h * 3600 + m * 60);
	return true;
}

static unsigned month_days(unsigned year, unsigned month)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && is_leap ? 1U : 0U);
}

static bool parse_iso(const char *p, int64_t *ns)
{
	unsigned year, month, day, h = 0, m = 0, s = 0;
	int64_t fraction = 0, zone = 0, seconds;

	if (!read_digits(&p, 4, &year) || *p++ != '-' || !read_digits(&p, 2, &month) ||
	    *p++ != '-' || !read_digits(&p, 2, &day))
		return false;
	if (month < 1 || month > 12 || day < 1 || day > month_days(year, month))
		return false;
	if (*p == 'T' || *p == 't' || *p == ' ') {
		p++;
		if (!read_digits(&p, 2, &h) || *p++ != ':' || !read_digits(&p, 2, &m))
			return false;
		if (*p == ':') {
			p++;
			if (!read_digits(&p, 2, &s) || !read_fraction(&p, &fraction))
				return false;
		}
		if (!read_zone(&p, &zone))
			return false;
	}
	if (*p || h > 23 || m > 59 || s > 60)
		return false;
	seconds = days_of_date(year, month, day) * 86400 + h * 3600 + m * 60 + s - zone;
	if (seconds < INT64_MIN / NS_PER_S || seconds > INT64_MAX / NS_PER_S - 1)
		return false;
	*ns = seconds * NS_PER_S + fraction;
	return true;
}

static bool parse_epoch(const char *p, int64_t *ns)
{
	bool is_negative = *p == '-';
	int64_t seconds = 0, fraction;

	p += is_negative;
	if (!isdigit((unsigned char)*p))
		return false;
	for (; isdigit((unsigned char)*p); p++) {
		seconds = seconds * 10 + (*p - '0');
		if (seconds > INT64_MAX / NS_PER_S - 1)
			return false;
	}
	if (!read_fraction(&p, &fraction) || *p)
		return false;
	*ns = seconds * NS_PER_S + fraction;
	if (is_negative)
		*ns = -*ns;
	return true;
}

int time_parse(const char *text, int64_t *ns, struct weir_error *err)
{
	char *end;

	if (*text == '@' && parse_epoch(text + 1, ns))
		return 0;
	if (strspn(text, "0123456789") == strlen(text) && strlen(text) >= 16) {
		errno = 0;
		*ns = strtoll(text, &end, 10);
		if (!errno)
			return 0;
	}
	if (parse_iso(text, ns))
		return 0;
	return err_set(
		err, WEIR_ERR_USAGE,
		"'%.60s' is not a time: expected 2026-11-22T23:13:35.5Z, a date, or "
		"@seconds since 1970",
		text);
}

struct unit {
	const char *name;
	uint64_t factor;
};

/* A decimal number with an optional fraction and one of the units; false where it is not that or
 * exceeds INT64_MAX. */
static bool parse_scaled(const char *text, const struct unit *units, uint64_t *value)
{
	uint64_t whole = 0, factor = 0, part = 0, scale = 1;
	const char *p = text;

	if (!isdigit((unsigned char)*p))
		return false;
	for (; isdigit((unsigned char)*p); p++) {
		whole = whole * 10 + (unsigned)(*p - '0');
		if (whole > INT64_MAX / 10)
			return false;
	}
	if (*p == '.') {
		for (p++; isdigit((unsigned char)*p); p++) {
			if (scale > 1000000)
				continue;
			part = part * 10 + (unsigned)(*p - '0');
			scale *= 10;
		}
	}
	for (; units->name; units++)
		if (!strcasecmp(p, units->name))
			factor = units->factor;
	if (!factor || whole > INT64_MAX / factor)
		return false;
	*value = whole * factor +
		 (uint64_t)((double)part / (double)scale * (double)factor);
	return *value <= INT64_MAX;
}

int duration_parse(const char *text, int64_t *ns, struct weir_error *err)
{
	static const struct unit units[] = {
		{ "", NS_PER_S },
		{ "s", NS_PER_S },
		{ "ms", NS_PER_MS },
		{ "us", NS_PER_US },
		{ "ns", 1 },
		{ "m", 60 * NS_PER_S },
		{ "h", 3600 * NS_PER_S },
		{ "d", 86400 * NS_PER_S },
		{ NULL, 0 },
	};
	uint64_t v;

	if (!parse_scaled(text, units, &v))
		return err_set(
			err, WEIR_ERR_USAGE,
			"'%.60s' is not a duration: expected a number and one of ms, s, m, "
			"h, d",
			text);
	*ns = (int64_t)v;
	return 0;
}

int size_parse(const char *text, uint64_t *bytes, struct weir_error *err)
{
	static const struct unit units[] = {
		{ "", 1 },
		{ "b", 1 },
		{ "k", 1024 },
		{ "kib", 1024 },
		{ "kb", 1000 },
		{ "m", 1 << 20 },
		{ "mib", 1 << 20 },
		{ "mb", 1000000 },
		{ "g", 1 << 30 },
		{ "gib", 1 << 30 },
		{ "gb", 1000000000 },
		{ "t", UINT64_C(1) << 40 },
		{ "tib", UINT64_C(1) << 40 },
		{ "tb", UINT64_C(1000000000000) },
		{ NULL, 0 },
	};

	if (!parse_scaled(text, units, bytes))
		return err_set(
			err, WEIR_ERR_USAGE,
			"'%.60s' is not a size: expected a number and one of KiB, MiB, "
			"GiB, KB, MB, GB",
			text);
	return 0;
}

void size_format(uint64_t bytes, char text[SIZE_TEXT])
{
	static const char *const names[] = {
		"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"
	};
	double v = (double)bytes;
	unsigned i = 0;

	while (v >= 1024 && i + 1 < ARRAY_LEN(names)) {
		v /= 1024;
		i++;
	}
	(void)snprintf(text, SIZE_TEXT, i ? "%.1f %s" : "%.0f %s", v, names[i]);
}
