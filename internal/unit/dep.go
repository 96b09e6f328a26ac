package unit

// Dep is a kind of dependency between two units. Each has an inverse, kept on
// the other unit. systemd.unit(5), "Mapping of unit properties to their inverses".
type Dep uint8

// The kinds of dependencies.
const (
	Requires Dep = iota
	Requisite
	Wants
	BindsTo
	PartOf
	Upholds
	RequiredBy
	RequisiteOf
	WantedBy
	BoundBy
	ConsistsOf
	UpheldBy
	Conflicts
	ConflictedBy
	Before
	After
	OnSuccess
	OnSuccessOf
	OnFailure
	OnFailureOf
	Triggers
	TriggeredBy
	PropagatesReloadTo
	ReloadPropagatedFrom
	PropagatesStopTo
	StopPropagatedFrom
	JoinsNamespaceOf
	InSlice
	SliceOf
	Deps // the number of kinds
)

var depInfo = [Deps]struct {
	name    string
	inverse Dep
}{
	Requires:             {"Requires", RequiredBy},
	Requisite:            {"Requisite", RequisiteOf},
	Wants:                {"Wants", WantedBy},
	BindsTo:              {"BindsTo", BoundBy},
	PartOf:               {"PartOf", ConsistsOf},
	Upholds:              {"Upholds", UpheldBy},
	RequiredBy:           {"RequiredBy", Requires},
	RequisiteOf:          {"RequisiteOf", Requisite},
	WantedBy:             {"WantedBy", Wants},
	BoundBy:              {"BoundBy", BindsTo},
	ConsistsOf:           {"ConsistsOf", PartOf},
	UpheldBy:             {"UpheldBy", Upholds},
	Conflicts:            {"Conflicts", ConflictedBy},
	ConflictedBy:         {"ConflictedBy", Conflicts},
	Before:               {"Before", After},
	After:                {"After", Before},
	OnSuccess:            {"OnSuccess", OnSuccessOf},
	OnSuccessOf:          {"OnSuccessOf", OnSuccess},
	OnFailure:            {"OnFailure", OnFailureOf},
	OnFailureOf:          {"OnFailureOf", OnFailure},
	Triggers:             {"Triggers", TriggeredBy},
	TriggeredBy:          {"TriggeredBy", Triggers},
	PropagatesReloadTo:   {"PropagatesReloadTo", ReloadPropagatedFrom},
	ReloadPropagatedFrom: {"ReloadPropagatedFrom", PropagatesReloadTo},
	PropagatesStopTo:     {"PropagatesStopTo", StopPropagatedFrom},
	StopPropagatedFrom:   {"StopPropagatedFrom", PropagatesStopTo},
	JoinsNamespaceOf:     {"JoinsNamespaceOf", JoinsNamespaceOf},
	InSlice:              {"Slice", SliceOf},
	SliceOf:              {"SliceOf", InSlice},
}

// String gives the name of the property that lists the dependency.
func (d Dep) String() string { return depInfo[d].name }

// Inverse is the kind that the other end of the edge has.
func (d Dep) Inverse() Dep { return depInfo[d].inverse }
