module rouse

go 1.26
