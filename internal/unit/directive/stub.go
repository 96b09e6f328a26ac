package directive

var managerRows [0]Row
