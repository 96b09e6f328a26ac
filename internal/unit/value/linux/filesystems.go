package linux

import (
	"slices"
	"strings"
)

// fileSystems are those of the kernel, by name, with what statfs(2) says of their type.
// Some are of several numbers, and some share one, as ext2, ext3 and ext4 do, and tmpfs
// and devtmpfs. The kernel's magic.h, and the sources of those that are not in it.
var fileSystems = [...]struct {
	name    string
	numbers []uint32
}{
	{"9p", []uint32{0x1021997}},
	{"adfs", []uint32{0xadf5}},
	{"affs", []uint32{0xadff}},
	{"afs", []uint32{0x6b414653, 0x5346414f}},
	{"anon_inodefs", []uint32{0x9041934}},
	{"apparmorfs", []uint32{0x5a3c69f0}},
	{"autofs", []uint32{0x187}},
	{"balloon-kvm", []uint32{0x13661366}},
	{"bdev", []uint32{0x62646576}},
	{"binder", []uint32{0x6c6f6f70}},
	{"binfmt_misc", []uint32{0x42494e4d}},
	{"bpf", []uint32{0xcafe4a11}},
	{"btrfs", []uint32{0x9123683e}},
	{"btrfs_test_fs", []uint32{0x73727279}},
	{"ceph", []uint32{0xc36400}},
	{"cgroup", []uint32{0x27e0eb}},
	{"cgroup2", []uint32{0x63677270}},
	{"cifs", []uint32{0xff534d42, 0xfe534d42}},
	{"coda", []uint32{0x73757245}},
	{"configfs", []uint32{0x62656570}},
	{"cpuset", []uint32{0x27e0eb}},
	{"cramfs", []uint32{0x28cd3d45}},
	{"dax", []uint32{0x64646178}},
	{"debugfs", []uint32{0x64626720}},
	{"devmem", []uint32{0x454d444d}},
	{"devpts", []uint32{0x1cd1}},
	{"devtmpfs", []uint32{0x1021994}},
	{"dmabuf", []uint32{0x444d4142}},
	{"ecryptfs", []uint32{0xf15f}},
	{"efivarfs", []uint32{0xde5e81e4}},
	{"efs", []uint32{0x414a53}},
	{"erofs", []uint32{0xe0f5e1e2}},
	{"exfat", []uint32{0x2011bab0}},
	{"ext2", []uint32{0xef53}},
	{"ext3", []uint32{0xef53}},
	{"ext4", []uint32{0xef53}},
	{"f2fs", []uint32{0xf2f52010}},
	{"fuse", []uint32{0x65735546}},
	{"fuseblk", []uint32{0x65735546}},
	{"fusectl", []uint32{0x65735543}},
	{"gfs", []uint32{0x1161970}},
	{"gfs2", []uint32{0x1161970}},
	{"hostfs", []uint32{0xc0ffee}},
	{"hpfs", []uint32{0xf995e849}},
	{"hugetlbfs", []uint32{0x958458f6}},
	{"iso9660", []uint32{0x9660}},
	{"jffs2", []uint32{0x72b6}},
	{"minix", []uint32{0x137f, 0x138f, 0x2468, 0x2478, 0x4d5a}},
	{"mqueue", []uint32{0x19800202}},
	{"msdos", []uint32{0x4d44}},
	{"ncp", []uint32{0x564c}},
	{"ncpfs", []uint32{0x564c}},
	{"nfs", []uint32{0x6969}},
	{"nfs4", []uint32{0x6969}},
	{"nilfs2", []uint32{0x3434}},
	{"nsfs", []uint32{0x6e736673}},
	{"ntfs", []uint32{0x5346544e}},
	{"ntfs3", []uint32{0x7366746e}},
	{"ocfs2", []uint32{0x7461636f}},
	{"openpromfs", []uint32{0x9fa1}},
	{"orangefs", []uint32{0x20030529}},
	{"overlay", []uint32{0x794c7630}},
	{"pidfs", []uint32{0x50494446}},
	{"pipefs", []uint32{0x50495045}},
	{"ppc-cmm", []uint32{0xc7571590}},
	{"proc", []uint32{0x9fa0}},
	{"pstore", []uint32{0x6165676c}},
	{"pvfs2", []uint32{0x20030529}},
	{"qnx4", []uint32{0x2f}},
	{"qnx6", []uint32{0x68191122}},
	{"ramfs", []uint32{0x858458f6}},
	{"reiserfs", []uint32{0x52654973}},
	{"resctrl", []uint32{0x7655821}},
	{"rpc_pipefs", []uint32{0x67596969}},
	{"secretmem", []uint32{0x5345434d}},
	{"securityfs", []uint32{0x73636673}},
	{"selinuxfs", []uint32{0xf97cff8c}},
	{"shiftfs", []uint32{0x6a656a62}},
	{"smackfs", []uint32{0x43415d53}},
	{"smb3", []uint32{0xff534d42}},
	{"smbfs", []uint32{0x517b}},
	{"sockfs", []uint32{0x534f434b}},
	{"squashfs", []uint32{0x73717368}},
	{"sysfs", []uint32{0x62656572}},
	{"tmpfs", []uint32{0x1021994}},
	{"tracefs", []uint32{0x74726163}},
	{"udf", []uint32{0x15013346}},
	{"usbdevfs", []uint32{0x9fa2}},
	{"v9fs", []uint32{0x1021997}},
	{"vboxsf", []uint32{0x786f4256}},
	{"vfat", []uint32{0x4d44}},
	{"xenfs", []uint32{0xabba1974}},
	{"xfs", []uint32{0x58465342}},
	{"z3fold", []uint32{0x33}},
	{"zonefs", []uint32{0x5a4f4653}},
	{"zsmalloc", []uint32{0x58295829}},
}

// fileSystemSets are the sets of systemd.exec(5), RestrictFileSystems=, with their members
// parted by blanks, in its order. "@known" is all.
var fileSystemSets = [...]struct{ name, members string }{
	{"@basic-api", "cgroup cgroup2 devpts devtmpfs mqueue proc sysfs"},
	{"@anonymous", "anon_inodefs pipefs sockfs"},
	{"@application", "autofs fuse overlay"},
	{"@auxiliary-api", "binfmt_misc configfs efivarfs fusectl hugetlbfs rpc_pipefs securityfs"},
	{"@common-block", "btrfs erofs exfat ext4 f2fs iso9660 ntfs3 squashfs udf vfat xfs"},
	{"@historical-block", "ext2 ext3 minix"},
	{"@network", "" +
		"afs ceph cifs gfs gfs2 ncp ncpfs nfs nfs4 ocfs2 orangefs pvfs2 smb3 smbfs"},
	{"@privileged-api", "bpf debugfs pstore tracefs"},
	{"@security", "apparmorfs selinuxfs smackfs"},
	{"@temporary", "ramfs tmpfs"},
	{"@known", ""},
}

// FileSystem gives the numbers that tell a file system's type; nil if none has that name.
func FileSystem(name string) []uint32 {
	for i := range fileSystems {
		if fileSystems[i].name == name {
			return fileSystems[i].numbers
		}
	}
	return nil
}

// FileSystemSets are the names of the sets, each beginning with "@".
func FileSystemSets() []string {
	var names []string
	for _, s := range fileSystemSets {
		names = append(names, s.name)
	}
	return names
}

// FileSystemSet gives the members of a set, sorted; false if there is none of that name.
func FileSystemSet(name string) (members []string, ok bool) {
	for _, s := range fileSystemSets {
		switch {
		case s.name != name:
		case s.members == "":
			for _, f := range fileSystems {
				members = append(members, f.name)
			}
			slices.Sort(members)
			return members, true
		default:
			return strings.Fields(s.members), true
		}
	}
	return nil, false
}
