#include "filesystem/mime.h"

#include "base/compiler.h"

/* Sorted by ending. */
static const struct {
	const char *ending, *type;
} rows[] = {
	{ "7z", "application/x-7z-compressed" },
	{ "apk", "application/vnd.android.package-archive" },
	{ "avi", "video/x-msvideo" },
	{ "bat", "application/x-bat" },
	{ "bin", "application/octet-stream" },
	{ "bmp", "image/bmp" },
	{ "bz2", "application/x-bzip2" },
	{ "c", "text/x-c" },
	{ "cab", "application/vnd.ms-cab-compressed" },
	{ "cc", "text/x-c++" },
	{ "class", "application/java-vm" },
	{ "conf", "text/plain" },
	{ "cpp", "text/x-c++" },
	{ "crt", "application/x-x509-ca-cert" },
	{ "css", "text/css" },
	{ "csv", "text/csv" },
	{ "deb", "application/vnd.debian.binary-package" },
	{ "dll", "application/x-msdownload" },
	{ "doc", "application/msword" },
	{ "docm", "application/vnd.ms-word.document.macroenabled.12" },
	{ "docx",
	  "application/vnd.openxmlformats-officedocument.wordprocessingml.document" },
	{ "eml", "message/rfc822" },
	{ "exe", "application/x-msdownload" },
	{ "flac", "audio/flac" },
	{ "gif", "image/gif" },
	{ "gz", "application/gzip" },
	{ "h", "text/x-c" },
	{ "hta", "application/hta" },
	{ "htm", "text/html" },
	{ "html", "text/html" },
	{ "ico", "image/vnd.microsoft.icon" },
	{ "ini", "text/plain" },
	{ "iso", "application/x-iso9660-image" },
	{ "jar", "application/java-archive" },
	{ "java", "text/x-java-source" },
	{ "jpeg", "image/jpeg" },
	{ "jpg", "image/jpeg" },
	{ "js", "text/javascript" },
	{ "json", "application/json" },
	{ "jsonl", "application/jsonl" },
	{ "lnk", "application/x-ms-shortcut" },
	{ "log", "text/plain" },
	{ "md", "text/markdown" },
	{ "mkv", "video/x-matroska" },
	{ "mov", "video/quicktime" },
	{ "mp3", "audio/mpeg" },
	{ "mp4", "video/mp4" },
	{ "mpeg", "video/mpeg" },
	{ "msg", "application/vnd.ms-outlook" },
	{ "msi", "application/x-msi" },
	{ "o", "application/x-object" },
	{ "odt", "application/vnd.oasis.opendocument.text" },
	{ "ogg", "audio/ogg" },
	{ "pcap", "application/vnd.tcpdump.pcap" },
	{ "pcapng", "application/x-pcapng" },
	{ "pdf", "application/pdf" },
	{ "pem", "application/x-pem-file" },
	{ "php", "application/x-php" },
	{ "pl", "text/x-perl" },
	{ "png", "image/png" },
	{ "ppt", "application/vnd.ms-powerpoint" },
	{ "pptx",
	  "application/vnd.openxmlformats-officedocument.presentationml.presentation" },
	{ "ps1", "application/x-powershell" },
	{ "pst", "application/vnd.ms-outlook-pst" },
	{ "py", "text/x-python" },
	{ "pyc", "application/x-python-code" },
	{ "rar", "application/vnd.rar" },
	{ "rb", "text/x-ruby" },
	{ "rpm", "application/x-rpm" },
	{ "rtf", "application/rtf" },
	{ "service", "text/plain" },
	{ "sh", "application/x-sh" },
	{ "so", "application/x-sharedlib" },
	{ "sql", "application/sql" },
	{ "sqlite", "application/vnd.sqlite3" },
	{ "svg", "image/svg+xml" },
	{ "tar", "application/x-tar" },
	{ "tgz", "application/gzip" },
	{ "tif", "image/tiff" },
	{ "tiff", "image/tiff" },
	{ "toml", "application/toml" },
	{ "ts", "text/x-typescript" },
	{ "txt", "text/plain" },
	{ "vbs", "text/vbscript" },
	{ "wasm", "application/wasm" },
	{ "wav", "audio/x-wav" },
	{ "webm", "video/webm" },
	{ "webp", "image/webp" },
	{ "xls", "application/vnd.ms-excel" },
	{ "xlsm", "application/vnd.ms-excel.sheet.macroenabled.12" },
	{ "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" },
	{ "xml", "application/xml" },
	{ "xz", "application/x-xz" },
	{ "yaml", "application/yaml" },
	{ "yml", "application/yaml" },
	{ "zip", "application/zip" },
	{ "zst", "application/zstd" },
};

enum {
	ENDING_MAX = 8
};

const char *mime_of_name(const char *name, size_t length)
{
	char ending[ENDING_MAX];
	size_t n = 0, low = 0, high = ARRAY_LEN(rows);

	while (n < length && name[length - n - 1] != '.')
		n++;
	/* A name that is all ending (".sh") has none. */
	if (!n || n >= ENDING_MAX || n + 1 >= length)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		char c = name[length - n + i];

		ending[i] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
	}
	ending[n] = '\0';
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(rows[middle].ending, ending);

		if (!order)
			return rows[middle].type;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}
