#!/bin/sh
# Extended attributes, ACLs in text, capabilities decoded, flags and project id: as the tools that set
# them say.
. "$SOURCE_ROOT/tests/lib/fs.sh"
require_tool jq mke2fs setfacl getfacl setcap getcap setfattr chattr
volume v 16
root=$tmp/v
echo a >"$root/file"
setfattr -n user.note -v hello "$root/file"
setfattr -n user.bytes -v 0x00ff10 "$root/file"
setfattr -n trusted.t -v x "$root/file"
list -x "$root/file"
check_equal "attributes with exact values" \
	"$(field "$root/file" '[.xattrs[] | [.name, .value_b64]] | sort')" \
	'[["trusted.t","eA=="],["user.bytes","AP8Q"],["user.note","aGVsbG8="]]'

setfacl -m u:1000:r,g:7:rwx "$root/file"
mkdir "$root/dir"
setfacl -d -m u:5:rw "$root/dir"
list -x -r "$root"
want=$(getfacl -nc "$root/file" 2>/dev/null | sed 's/[[:space:]].*//' | grep . | tr '\n' ',' | sed 's/,$//')
check_equal "an ACL as getfacl -n prints it" "$(field "$root/file" .acl)" "\"$want\""
want=$(getfacl -ncd "$root/dir" 2>/dev/null | sed 's/[[:space:]].*//' | grep . | tr '\n' ',' | sed 's/,$//')
check_equal "a default ACL too" "$(field "$root/dir" .default_acl)" "\"$want\""

cp /bin/true "$root/tool"
for caps in cap_net_raw,cap_net_admin=ep cap_sys_admin=p cap_chown=eip; do
	setcap "$caps" "$root/tool"
	list -x "$root/tool"
	printed=$(getcap "$root/tool")
	check_equal "capabilities: $caps" \
		"$(field "$root/tool" .capabilities.text | tr -d '"' | tr ',' '\n' | sed 's/=.*//' | sort | tr '\n' ' ')$(field "$root/tool" .capabilities.text | tr -d '"' | sed 's/.*=//')" \
		"$(echo "${printed#* }" | sed 's/=.*//' | tr ',' '\n' | sort | tr '\n' ' ')$(echo "$printed" | sed 's/.*=//')"
done
check_equal "revision" "$(field "$root/tool" .capabilities.revision)" 2

echo i >"$root/fixed"
chattr +i "$root/fixed"
at_exit "chattr -i '$root/fixed'"
list "$root/fixed"
check_equal "immutable is known without asking" "$(field "$root/fixed" '.attributes')" '["immutable"]'
list -F "$root/fixed"
check_equal "and by flags" "$(field "$root/fixed" '[.flags, .project_id]')" '[["immutable"],0]'
ln -s x "$root/link"
list -F -x "$root/link"
check_match "what a link cannot have has its reason" "$(field "$root/link" .missing.flags)" 'not_kept_for_this_type'

# Values too large to keep.
head -c 600 /dev/zero | tr '\0' v >"$tmp/value"
setfattr -n user.large -v "$(cat "$tmp/value")" "$root/file"
list -x "$root/file"
check_equal "a large value is whole" "$(field "$root/file" '.xattrs[] | select(.name=="user.large") | .size_bytes')" 600
tap_done
