package genesis

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// ErrUnknownParameter is returned when there is no parameter of that name.
var ErrUnknownParameter = errors.New("no such parameter")

// fixedParameter cannot be changed while a chain runs: the starts of all sessions, including past ones, follow from it.
const fixedParameter = "session.blocks_per_session"

// Owner returns the address that may change a parameter; empty if nobody may. Errors: ErrUnknownParameter.
func (p *Params) Owner(parameter string) (string, error) {
	if _, _, err := p.find(parameter); err != nil {
		return "", err
	}
	group, _, _ := strings.Cut(parameter, ".")
	governance := p.GetGovernance()
	switch group {
	case "session":
		return governance.GetSessionOwner(), nil
	case "stake":
		return governance.GetStakeOwner(), nil
	case "qos":
		return governance.GetQosOwner(), nil
	case "fee":
		return governance.GetFeeOwner(), nil
	case "relay":
		return governance.GetRelayOwner(), nil
	case "governance":
		return governance.GetGovernanceOwner(), nil
	default:
		return "", nil
	}
}

// With returns a copy of the parameters with one of them changed. The copy is valid as a whole. Errors:
// ErrUnknownParameter, one that wraps a FieldError, or one that says that the value has the wrong form.
func (p *Params) With(change *types.ChangeParameter) (*Params, error) {
	changed := proto.Clone(p).(*Params)
	group, field, err := changed.find(change.GetParameter())
	if err != nil {
		return nil, err
	}
	if change.GetParameter() == fixedParameter {
		return nil, fmt.Errorf("params.%s is fixed: sessions that are past follow from it", fixedParameter)
	}
	value, err := valueOf(field, change)
	if err != nil {
		return nil, fmt.Errorf("params.%s: %w", change.GetParameter(), err)
	}
	group.Set(field, value)
	if err := changed.Validate(); err != nil {
		return nil, err
	}
	return changed, nil
}

// find returns the group of a parameter and its field there.
func (p *Params) find(parameter string) (protoreflect.Message, protoreflect.FieldDescriptor, error) {
	unknown := fmt.Errorf("%w: %s; a name looks like \"qos.checks_per_session\"", ErrUnknownParameter, quoted(parameter))
	groupName, name, _ := strings.Cut(parameter, ".")
	params := p.ProtoReflect()
	group := params.Descriptor().Fields().ByName(protoreflect.Name(groupName))
	if group == nil {
		return nil, nil, unknown
	}
	field := group.Message().Fields().ByName(protoreflect.Name(name))
	if field == nil || !params.Has(group) {
		return nil, nil, unknown
	}
	return params.Get(group).Message(), field, nil
}

// valueOf returns the value of a change, in the form of the field.
func valueOf(field protoreflect.FieldDescriptor, change *types.ChangeParameter) (protoreflect.Value, error) {
	switch value := change.GetValue().(type) {
	case *types.ChangeParameter_Number:
		return numberOf(field, value.Number)
	case *types.ChangeParameter_Duration:
		if field.Kind() == protoreflect.MessageKind && value.Duration != nil {
			return protoreflect.ValueOfMessage(value.Duration.ProtoReflect()), nil
		}
	case *types.ChangeParameter_Text:
		return textOf(field, value.Text)
	case *types.ChangeParameter_List:
		if field.IsList() {
			list := new(GovernanceParams).ProtoReflect().NewField(field).List()
			for _, item := range value.List.GetItems() {
				list.Append(protoreflect.ValueOfString(item))
			}
			return protoreflect.ValueOfList(list), nil
		}
	}
	return protoreflect.Value{}, wrongForm(field)
}

func numberOf(field protoreflect.FieldDescriptor, number uint64) (protoreflect.Value, error) {
	switch {
	case field.Kind() == protoreflect.Uint64Kind:
		return protoreflect.ValueOfUint64(number), nil
	case field.Kind() == protoreflect.Uint32Kind && uint64(uint32(number)) == number:
		return protoreflect.ValueOfUint32(uint32(number)), nil
	case field.Kind() == protoreflect.Int64Kind && int64(number) >= 0:
		return protoreflect.ValueOfInt64(int64(number)), nil
	case field.Kind() == protoreflect.Uint32Kind || field.Kind() == protoreflect.Int64Kind:
		return protoreflect.Value{}, fmt.Errorf("%d is too large", number)
	default:
		return protoreflect.Value{}, wrongForm(field)
	}
}

func textOf(field protoreflect.FieldDescriptor, text string) (protoreflect.Value, error) {
	switch {
	case field.Kind() == protoreflect.StringKind && !field.IsList():
		return protoreflect.ValueOfString(text), nil
	case field.Kind() == protoreflect.EnumKind:
		value := field.Enum().Values().ByName(protoreflect.Name(text))
		if value == nil {
			return protoreflect.Value{}, fmt.Errorf("there is no %s", quoted(text))
		}
		return protoreflect.ValueOfEnum(value.Number()), nil
	default:
		return protoreflect.Value{}, wrongForm(field)
	}
}

// wrongForm returns an error that names the form of a parameter's value.
func wrongForm(field protoreflect.FieldDescriptor) error {
	form := "a number"
	switch {
	case field.IsList():
		form = "a list"
	case field.Kind() == protoreflect.MessageKind:
		form = "a duration"
	case field.Kind() == protoreflect.StringKind, field.Kind() == protoreflect.EnumKind:
		form = "a text"
	}
	return fmt.Errorf("its value is %s", form)
}

// ParseChange parses the change of a parameter from text: a number, a duration ("400ms", "3s"), a text, or a
// comma-separated list, which may be empty and in any order. It does not check the range; With does. Errors:
// ErrUnknownParameter.
func ParseChange(parameter, value string) (*types.ChangeParameter, error) {
	_, field, err := DefaultParams().find(parameter)
	if err != nil {
		return nil, err
	}
	change := &types.ChangeParameter{Parameter: parameter}
	switch {
	case field.IsList():
		list, err := parseList(value)
		if err != nil {
			return nil, err
		}
		change.Value = &types.ChangeParameter_List{List: list}
	case field.Kind() == protoreflect.MessageKind:
		duration, err := time.ParseDuration(value)
		if err != nil {
			return nil, fmt.Errorf("%s is not a duration, as in 400ms or 3s", quoted(value))
		}
		change.Value = &types.ChangeParameter_Duration{Duration: durationpb.New(duration)}
	case field.Kind() == protoreflect.StringKind, field.Kind() == protoreflect.EnumKind:
		change.Value = &types.ChangeParameter_Text{Text: value}
	default:
		number, err := strconv.ParseUint(value, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%s is not a whole number", quoted(value))
		}
		change.Value = &types.ChangeParameter_Number{Number: number}
	}
	return change, nil
}

// IsList reports whether the value of a parameter is a list. Errors: ErrUnknownParameter.
func IsList(parameter string) (bool, error) {
	_, field, err := DefaultParams().find(parameter)
	return err == nil && field.IsList(), err
}

// parseList returns the items of a comma-separated list in the order that the chain wants.
func parseList(value string) (*types.TextList, error) {
	list := &types.TextList{}
	if value == "" {
		return list, nil
	}
	for item := range strings.SplitSeq(value, ",") {
		list.Items = append(list.Items, strings.TrimSpace(item))
	}
	slices.Sort(list.Items)
	for i, item := range list.Items {
		if i > 0 && item == list.Items[i-1] {
			return nil, fmt.Errorf("%s is in the list twice", quoted(item))
		}
	}
	return list, nil
}
