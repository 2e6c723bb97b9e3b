package terminal

import (
	"fmt"
	"strconv"

	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// budgetLine says what of a budget is spent; empty for a group that has none.
func budgetLine(budget *api.Budget) string {
	if budget == nil {
		return ""
	}
	of := func(most *api.UPOKT) string {
		if most == nil {
			return ""
		}
		return " of " + Clean(*most)
	}
	text := fmt.Sprintf("budget  %s%s uPOKT spent in the session, %s%s today", Clean(budget.SpentSessionUPOKT), of(budget.MaxUPOKTPerSession),
		Clean(budget.SpentDayUPOKT), of(budget.MaxUPOKTPerDay))
	if budget.CostPerCheckUPOKT != nil {
		text += fmt.Sprintf("; a check costs %s", Clean(*budget.CostPerCheckUPOKT))
	}
	return text + "\n"
}

// BudgetWarning is one line on each group whose budget does not pay for another check; empty when all do.
func BudgetWarning(groups []api.Group) string {
	text := ""
	for _, group := range groups {
		if period := usedUp(group.Budget); period != "" {
			text += fmt.Sprintf("warning: budget of %s used up for the %s; checks are dropped\n", Clean(group.Name), period)
		}
	}
	return text
}

// usedUp returns the period whose budget does not pay for another check; empty when both do.
func usedUp(budget *api.Budget) string {
	if budget == nil {
		return ""
	}
	cost := amountOf(budget.CostPerCheckUPOKT)
	switch {
	case budget.LeftDayUPOKT != nil && amountOf(budget.LeftDayUPOKT) < cost:
		return "day"
	case budget.LeftSessionUPOKT != nil && amountOf(budget.LeftSessionUPOKT) < cost:
		return "session"
	}
	return ""
}

// amountOf reads an amount; one that is not known, or is none, is 0.
func amountOf(amount *api.UPOKT) uint64 {
	read, err := strconv.ParseUint(api.Value(amount), 10, 64)
	if err != nil {
		return 0
	}
	return read
}
