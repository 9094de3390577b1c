# ---- the engine, rules: how they are, and how they should be; the same in every script ----------

function Get-FilterIndex {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [string] $Store
    )
    # One call per kind of filter: a call per rule takes minutes on a server with many rules.
    $common = @{ PolicyStore = $Store; ErrorAction = 'Stop' }
    $index = @{}
    $kinds = @{
        Address       = @(Get-NetFirewallAddressFilter @common)
        Port          = @(Get-NetFirewallPortFilter @common)
        Application   = @(Get-NetFirewallApplicationFilter @common)
        Service       = @(Get-NetFirewallServiceFilter @common)
        Interface     = @(Get-NetFirewallInterfaceFilter @common)
        InterfaceType = @(Get-NetFirewallInterfaceTypeFilter @common)
        Security      = @(Get-NetFirewallSecurityFilter @common)
    }
    foreach ($kind in @($kinds.Keys)) {
        $index[$kind] = @{}
        foreach ($filter in $kinds[$kind]) {
            $index[$kind][$filter.InstanceID] = $filter
        }
    }
    $index
}

function Get-LiveValue {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [object] $Rule,

        [Parameter(Mandatory = $true)]
        [hashtable] $Index,

        [Parameter(Mandatory = $true)]
        [object[]] $Field
    )
    # The parameters that would make the rule as it is, without those that nobody needs to say.
    $id = $Rule.InstanceID
    $values = @{ Name = "$($Rule.Name)" }
    foreach ($name in @('DisplayName', 'Description', 'Group')) {
        $values[$name] = "$(Get-PropertyValue -InputObject $Rule -Name $name)"
    }
    $port = $Index['Port'][$id]
    $protocol = "$(Get-PropertyValue -InputObject $port -Name 'Protocol')"
    $protocol = ConvertTo-ProtocolText -Value $protocol
    foreach ($item in $Field) {
        $name = $item['Name']
        # Of other protocols Windows shows ports and types that mean nothing.
        if (($name -in @('LocalPort', 'RemotePort') -and $protocol -notin @('tcp', 'udp')) -or
            ($name -eq 'IcmpType' -and $protocol -notin @('icmpv4', 'icmpv6'))) {
            continue
        }
        $object = $Rule
        if ($item['Source'] -ne 'Rule') {
            $object = $Index[$item['Source']][$id]
        }
        # Most are as in Windows: a function for each would take most of the time.
        if ($null -eq $object -or $null -eq $object.PSObject.Properties[$name] -or
            "$($object.$name)" -eq '' -or "$($object.$name)" -eq $item['Default']) {
            continue
        }
        $value = @(
            foreach ($one in @($object.$name)) {
                if ("$one" -ne '') {
                    "$one"
                }
            }
        )
        $text = ConvertTo-FieldText -Field $item -Value $value
        if ($text -eq $item['Default']) {
            continue
        }
        if ($name -eq 'IcmpType') {
            $value = @($value -replace ':(\*|256)$', '')
        }
        if ($item['Kind'] -notin @('List', 'Address')) {
            $value = $value -join ', '
        }
        $values[$name] = $value
    }
    $values
}

function Get-OwnRule {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Policy,

        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Rule
    )
    # Not -Group: that parameter takes wildcards and reports "not found" as an error. The name is
    # asked for too: rules that somebody else put into the group are not ours.
    $prefix = $Policy['NamePrefix']
    $memoryName = Get-MemoryRuleName -Policy $Policy
    $ignoreCase = [System.StringComparison]::OrdinalIgnoreCase
    $own = @{}
    $Rule |
        Where-Object { $_.Group -eq $Policy['Group'] } |
        Where-Object { $_.Name.StartsWith($prefix, $ignoreCase) -and $_.Name -ne $memoryName } |
        ForEach-Object { $own[$_.Name] = $_ }
    $own
}

function Get-WantedRule {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Policy,

        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Rule
    )
    # What the table leaves unsaid because every rule has it, and texts as people read them.
    foreach ($item in $Rule) {
        $parameters = $item.Clone()
        $parameters.Remove('Until')
        $parameters['Group'] = $Policy['Group']
        $parameters['Profile'] = $Policy['Profile']
        $parameters['Enabled'] = 'True'
        foreach ($name in @('DisplayName', 'Description')) {
            $parameters[$name] = [System.Text.RegularExpressions.Regex]::Unescape($item[$name])
        }
        $parameters
    }
}

function Get-OtherGroup {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Policy,

        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Rule
    )
    # Names of rules that are this cluster's, in a group that it had before: Windows cannot give a
    # rule another. The name of another cluster may begin with this one's; its own group tells.
    $ignoreCase = [System.StringComparison]::OrdinalIgnoreCase
    $prefix = $Policy['NamePrefix']
    foreach ($item in $Rule) {
        $name = "$($item.Name)"
        if (-not $name.StartsWith($prefix, $ignoreCase) -or $item.Group -eq $Policy['Group']) {
            continue
        }
        $other = '{0}-' -f ("$($item.Group)" -replace '^hcipolc:', 'hcipolc-')
        $isLonger = $other.Length -gt $prefix.Length -and $other.StartsWith($prefix, $ignoreCase)
        if (-not ($isLonger -and $name.StartsWith($other, $ignoreCase))) {
            $name
        }
    }
}

function Get-LastDay {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        # Of the table, a backup or the machine, as parameters.
        [Parameter(Mandatory = $true)]
        [hashtable] $Rule
    )
    # Of an exception, '2026-06-30'; '' of other rules. Windows keeps it in the description alone.
    if ($Rule.ContainsKey('Until')) {
        return $Rule['Until']
    }
    $line = '(?s)^.*? Exception of: .*? Until: ([0-9]{4}-[0-9]{2}-[0-9]{2})\..*$'
    $text = "$($Rule['Description'])"
    if ($text -match $line) {
        return ($text -replace $line, '$1')
    }
    ''
}

function Test-Ended {
    [CmdletBinding()]
    [OutputType([bool])]
    param (
        # An exception's last day, or ''.
        [Parameter(Mandatory = $true)]
        [AllowEmptyString()]
        [string] $Day
    )
    # By this machine's clock.
    $now = [System.DateTime]::Today
    $today = '{0:d4}-{1:d2}-{2:d2}' -f $now.Year, $now.Month, $now.Day
    $Day -ne '' -and [string]::CompareOrdinal($Day, $today) -lt 0
}

function Format-Some {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Value
    )
    $text = @($Value | Select-Object -First 4) -join ', '
    if ($Value.Count -gt 4) {
        $text = '{0} and {1} more' -f $text, ($Value.Count - 4)
    }
    $text
}

function Format-Rule {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Rule
    )
    # 'Inbound Allow TCP 3343 from 10.1.0.11, 10.1.0.12'; parameters that it lacks are as in Windows.
    $direction = "$($Rule['Direction'])" -replace '^$', 'Inbound'
    $service = 'LocalPort'
    $way = 'from'
    if ($direction -eq 'Outbound') {
        $service = 'RemotePort'
        $way = 'to'
    }
    $action = "$($Rule['Action'])" -replace '^$', 'Allow'
    $words = @($direction, $action, ("$($Rule['Protocol'])" -replace '^$', 'Any'))
    foreach ($name in @($service, 'IcmpType')) {
        if ($Rule.ContainsKey($name)) {
            $words += Format-Some -Value @($Rule[$name])
        }
    }
    $ids = @($Rule['RemoteDynamicKeywordAddresses'] | Where-Object { $_ })
    $names = @($keywords | Where-Object { $_['Id'] -in $ids } | ForEach-Object { $_['Keyword'] })
    $words += $way
    $words += Format-Some -Value @(@($Rule['RemoteAddress']) + $names | Where-Object { $_ })
    $words -join ' ' -replace ' (from|to) $', ' $1 Any'
}

function Test-ProfileOf {
    [CmdletBinding()]
    [OutputType([bool])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Rule,

        [Parameter(Mandatory = $true)]
        [hashtable] $Policy
    )
    # Whether the rule acts in every profile that the policy is for.
    $is = @("$($Rule['Profile'])" -split ', ')
    $lacking = @($Policy['Profile'] -split ', ' | Where-Object { $_ -notin $is })
    -not $Rule.ContainsKey('Profile') -or $lacking.Count -eq 0
}

function Format-Difference {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Field,

        [Parameter(Mandatory = $true)]
        [hashtable] $Wanted,

        [Parameter(Mandatory = $true)]
        [hashtable] $Live
    )
    $name = $Field['Name']
    $sides = foreach ($values in @($Live, $Wanted)) {
        $list = @($Field['Default'])
        if ($values.ContainsKey($name)) {
            $list = @($values[$name])
        }
        , $list
    }
    if ($Field['Kind'] -notin @('List', 'Address')) {
        return ('{0} is {1}, should be {2}' -f $name, $sides[0][0], $sides[1][0])
    }
    $texts = foreach ($side in @(0, 1)) {
        $known = @{}
        foreach ($item in $sides[1 - $side]) {
            $known[(ConvertTo-FieldText -Field $Field -Value $item)] = $true
        }
        $only = @(
            foreach ($item in $sides[$side]) {
                if (-not $known.ContainsKey((ConvertTo-FieldText -Field $Field -Value $item))) {
                    $item
                }
            }
        )
        if ($only.Count -gt 0) {
            @('has {0}', 'lacks {0}')[$side] -f (Format-Some -Value $only)
        }
    }
    '{0} {1}' -f $name, (@($texts) -join ' and ')
}

function Get-DifferentField {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Wanted,

        [Parameter(Mandatory = $true)]
        [hashtable] $Live,

        [Parameter(Mandatory = $true)]
        [object[]] $Among
    )
    foreach ($field in $Among) {
        $is = ConvertTo-FieldText -Field $field -Value $Live[$field['Name']]
        if ($is -ne (ConvertTo-FieldText -Field $field -Value $Wanted[$field['Name']])) {
            $field
        }
    }
}

function Get-Finding {
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param (
        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Wanted,

        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [hashtable] $Live
    )
    # Both are parameters of New-NetFirewallRule; Live by name. Wanted and Former are what somebody
    # needs who changes the rule, and who changes it back.
    $fields = @(Get-RuleField)
    $wantedNames = @{}
    foreach ($item in $Wanted) {
        $name = $item['Name']
        $wantedNames[$name] = $true
        $finding = [pscustomobject] @{
            Name = $name; Finding = 'Missing'; Detail = Format-Rule -Rule $item
            Wanted = $item; Former = $null; Field = @()
        }
        if (-not $Live.ContainsKey($name)) {
            $finding
            continue
        }
        $finding.Former = $Live[$name]
        $finding.Detail = ''
        $different = @(Get-DifferentField -Wanted $item -Live $Live[$name] -Among $fields)
        if ($different.Count -eq 0) {
            continue
        }
        $names = @($different | ForEach-Object { $_['Name'] } | Sort-Object)
        $finding.Field = $names
        $finding.Finding = 'Changed: {0}' -f ($names -join ', ')
        if ("$names" -eq 'Enabled' -and $Live[$name]['Enabled'] -eq 'False') {
            $finding.Finding = 'Disabled'
        }
        else {
            $finding.Detail = @(
                foreach ($field in $different) {
                    Format-Difference -Field $field -Wanted $item -Live $Live[$name]
                }
            ) -join '; '
        }
        $finding
    }
    foreach ($name in @($Live.Keys | Sort-Object)) {
        if (-not $wantedNames.ContainsKey($name)) {
            [pscustomobject] @{
                Name = $name; Finding = 'Stale'; Detail = 'Made by an earlier version of the policy'
                Wanted = $null; Former = $Live[$name]; Field = @()
            }
        }
    }
}

